import type { IncomingHttpHeaders } from 'node:http';
import { parse, serialize } from 'cookie';

/** A cookie of this server. Scripts of a page cannot read it, and pages of other sites send it only when they link here. */
export class ServerCookie {
  readonly #name: string;
  readonly #isSecure: boolean;

  /** @param isSecure whether browsers reach this server by HTTPS: only then do they agree to keep the cookie to it */
  constructor(name: string, isSecure: boolean) {
    this.#name = isSecure ? `__Host-${name}` : name;
    this.#isSecure = isSecure;
  }

  /** Returns its value; undefined: the request lacks it, or has one that this server did not set. */
  read({ cookie }: IncomingHttpHeaders): string | undefined {
    const value = cookie === undefined ? undefined : parse(cookie)[this.#name];
    return value !== undefined && /^[\w-]{43}$/.test(value) ? value : undefined;
  }

  /** Returns the header `set-cookie`. @param seconds how long the browser keeps it; 0: it forgets it */
  write(value: string, seconds: number): string {
    return serialize(this.#name, value, {
      httpOnly: true,
      sameSite: 'lax',
      secure: this.#isSecure,
      path: '/',
      maxAge: seconds,
    });
  }
}
