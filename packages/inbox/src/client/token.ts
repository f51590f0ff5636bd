import { InboxProblem, toProblem } from './problem.ts';

/** A token of the user, made by your backend. `expires_at` is asked for only if it is not a JSON Web Token. */
export type Token = string | { readonly token: string; readonly expires_at?: string };
export type GetToken = () => Token | Promise<Token>;

/** Share of the life of a token after which the next one is fetched. */
const USED_SHARE = 0.8;
const DEFAULT_LIFE_MS = 10 * 60_000;

/** The token of a user, fetched anew before it ends. Requests at the same time share one. */
export class TokenSource {
  readonly #getToken: GetToken;
  #token = '';
  #until = 0;
  #pending: Promise<string> | undefined;

  constructor(getToken: GetToken) {
    this.#getToken = getToken;
  }

  /** @throws InboxProblem `no_token` */
  get(): Promise<string> {
    if (this.#token !== '' && Date.now() < this.#until) return Promise.resolve(this.#token);
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  /** Forgets a token that the server no longer admits. @param token absent: whichever is the current one */
  reject(token = this.#token): void {
    if (this.#token === token) this.#token = '';
  }

  async #fetch(): Promise<string> {
    try {
      const found = await this.#getToken();
      const { token, expires_at: end = undefined } = typeof found === 'string' ? { token: found } : found;
      if (!token) throw new InboxProblem('no_token', 'empty token');
      const { exp, iat = undefined } = readClaims(token);
      // By the life that the issuer gave it, as the clock of a device is often wrong.
      const life =
        exp !== undefined
          ? exp * 1000 - (iat === undefined ? Date.now() : iat * 1000)
          : end === undefined
            ? DEFAULT_LIFE_MS
            : Date.parse(end) - Date.now();
      this.#token = token;
      this.#until = Date.now() + Math.max(life * USED_SHARE, 1000);
      return token;
    } catch (error) {
      throw toProblem(error, 'no_token');
    }
  }
}

interface Claims {
  readonly exp?: number;
  readonly iat?: number;
  readonly iss?: string;
  readonly aud?: unknown;
  readonly sub?: string;
}

/** Reads what a token says, without proof; nothing if it is not a JSON Web Token. */
function readClaims(token: string): Claims {
  try {
    const text = atob((token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/'));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (sign) => sign.charCodeAt(0)))) as Claims;
  } catch {
    return {};
  }
}

/** Returns a text that differs for each user; undefined: the token does not say whose it is. */
export function readOwner(token: string): string | undefined {
  const { iss, aud, sub } = readClaims(token);
  return sub === undefined ? undefined : JSON.stringify([iss, aud, sub]);
}
