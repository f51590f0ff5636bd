import type { IncomingHttpHeaders } from 'node:http';
import type { ClientAuth, Configuration } from 'openid-client';
import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { insertLoginAttempt, takeLoginAttempt } from '../store/members/login-attempts.ts';
import { admitLogin } from './admit-login.ts';
import { LoginCookies } from './login-cookies.ts';
import { LoginError } from './login-error.ts';
import { drawSecret, hashSecret } from './secrets.ts';
import type { LoginIdentity } from './sessions.ts';

/** The OpenID provider of the members of this installation, and this server as its client. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Null: a public client, which PKCE alone protects. */
  readonly clientSecret: string | null;
}

export interface OidcLoginOptions extends OidcSettings {
  /** URL under which browsers reach this server, without a slash at its end. */
  readonly publicUrl: string;
  readonly owner: pg.Pool;
  readonly seal: Seal;
  readonly clock: () => Millis;
}

/** Path to which the provider sends the browser back. */
export const CALLBACK_PATH = '/api/v1/login/callback';

/** Time in ms that a login may take at the provider. */
const MAX_LOGIN_MS: Millis = 10 * 60_000;
/** Time in s for each response of the provider. */
const MAX_RESPONSE_S = 5;
/** Time in ms for which what the provider says of itself is used, and between two tries to get it. */
const CONFIGURATION_LIFETIME_MS: Millis = 3_600_000;
const MIN_TRY_PAUSE_MS: Millis = 2000;

/** Secrets that are kept, sealed, while the browser is at the provider. */
interface Attempt {
  readonly nonce: string;
  readonly verifier: string;
  readonly to: string;
}

/**
 * Login by OpenID Connect: authorization code with PKCE, state and nonce. The state is bound to the browser by a cookie, counts
 * once, and the ID token is verified by its signature.
 */
export class OidcLogin {
  readonly #options: OidcLoginOptions;
  readonly #cookies: LoginCookies;
  #configuration: { readonly promise: Promise<Configuration>; readonly at: Millis } | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(options: OidcLoginOptions) {
    this.#options = options;
    this.#cookies = new LoginCookies(options.publicUrl.startsWith('https:'));
  }

  /**
   * Begins a login. @param to where the console goes afterwards, `/console/…`
   * @param headers of the request
   * @returns the URL of the provider, and the headers `set-cookie`
   * @throws LoginError
   */
  async begin(to: string, headers: IncomingHttpHeaders): Promise<{ readonly url: string; readonly cookies: string[] }> {
    const { owner, seal, clock } = this.#options;
    const client = await import('openid-client');
    const configuration = await this.#configure();
    const [state, nonce, verifier] = [drawSecret(), client.randomNonce(), client.randomPKCECodeVerifier()];
    const hash = hashSecret(state);
    const { bytes } = seal.seal(JSON.stringify({ nonce, verifier, to } satisfies Attempt), toPurpose(hash));
    const now = clock();
    const attempt = { sealed: bytes, member: null, expiresAt: now + MAX_LOGIN_MS };
    if (!(await insertLoginAttempt(owner, hash, attempt, now))) {
      throw new LoginError('too_many_logins', 'too many logins are under way');
    }
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri,
      scope: 'openid email profile',
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, cookies: this.#cookies.begin(state, MAX_LOGIN_MS / 1000, headers) };
  }

  /**
   * Completes a login with which the provider sent the browser back.
   * @param query the query of the callback, with its `?`
   * @throws LoginError
   */
  async finish(
    query: string,
    headers: IncomingHttpHeaders,
  ): Promise<{ readonly identity: LoginIdentity; readonly to: string }> {
    const { owner, seal, clock } = this.#options;
    const state = readState(query);
    // Only the browser that began the login: a link with the code of another login would log it in as that member.
    if (state === null || !this.#cookies.isOf(state, headers)) {
      throw new LoginError('login_expired', 'the state is not that of this browser');
    }
    const hash = hashSecret(state);
    const taken = await takeLoginAttempt(owner, hash, clock());
    if (!taken?.sealed) throw new LoginError('login_expired', 'the login has expired, or was completed already');
    const { nonce, verifier, to } = JSON.parse(seal.open(taken.sealed, toPurpose(hash))) as Attempt;
    const claims = await this.#exchange(query, { state, nonce, verifier });
    return { identity: await admitLogin({ owner, seal, now: clock() }, claims), to };
  }

  /** Returns the headers `set-cookie` that end the binding of a browser to the login of a callback. @param query as of `finish` */
  forget(query: string): string[] {
    const state = readState(query);
    return state === null ? [] : [this.#cookies.forget(state)];
  }

  get #redirectUri(): string {
    return this.#options.publicUrl + CALLBACK_PATH;
  }

  async #exchange(query: string, { state, nonce, verifier }: Omit<Attempt, 'to'> & { readonly state: string }) {
    const client = await import('openid-client');
    const configuration = await this.#configure();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(this.#redirectUri + query), {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (!claims) throw new LoginError('login_failed', 'the provider sent no ID token');
      if (claims.email !== undefined || !configuration.serverMetadata().userinfo_endpoint) return { ...claims };
      const info = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
      return { ...info, ...claims };
    } catch (error) {
      if (error instanceof client.AuthorizationResponseError) {
        throw new LoginError('login_denied', `the provider said: ${error.error}`, error);
      }
      if (error instanceof LoginError) throw error;
      // A timeout, or no connection.
      const isNetwork = error instanceof TypeError || (error as { code?: string }).code === 'OAUTH_TIMEOUT';
      throw new LoginError(
        isNetwork ? 'provider_unavailable' : 'login_failed',
        'the login could not be completed',
        error,
      );
    }
  }

  /** Returns what the provider says of itself; several logins at a time ask once. */
  async #configure(): Promise<Configuration> {
    const now = this.#options.clock();
    const known = this.#configuration;
    if (known && now - known.at < CONFIGURATION_LIFETIME_MS) return known.promise;
    if (Math.abs(now - this.#failedAt) < MIN_TRY_PAUSE_MS) {
      throw new LoginError('provider_unavailable', 'the provider could not be reached a moment ago');
    }
    const promise = this.#discover();
    this.#configuration = { promise, at: now };
    try {
      return await promise;
    } catch (error) {
      this.#configuration = undefined;
      this.#failedAt = now;
      throw new LoginError('provider_unavailable', 'the provider cannot be reached', error);
    }
  }

  async #discover(): Promise<Configuration> {
    const client = await import('openid-client');
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    return client.discovery(
      url,
      clientId,
      { redirect_uris: [this.#redirectUri] },
      authenticateClient(client, clientSecret),
      {
        timeout: MAX_RESPONSE_S,
        // config.ts accepts http: for a provider on this machine only.
        execute: [
          client.enableNonRepudiationChecks,
          ...(url.protocol === 'http:' ? [client.allowInsecureRequests] : []),
        ],
      },
    );
  }
}

function readState(query: string): string | null {
  return new URLSearchParams(query).get('state');
}

/**
 * Returns how this client proves who it is. A provider that says which ways it accepts, and does not name the usual one (the
 * header `authorization`), gets its secret in the body.
 */
function authenticateClient(client: typeof import('openid-client'), secret: string | null): ClientAuth {
  if (secret === null) return client.None();
  const [basic, post] = [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)];
  return (server, ...parts) => {
    const accepted = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const isBasic = accepted.includes('client_secret_basic') || !accepted.includes('client_secret_post');
    (isBasic ? basic : post)(server, ...parts);
  };
}

function toPurpose(hash: Buffer): string {
  return `login\n${hash.toString('base64')}`;
}
