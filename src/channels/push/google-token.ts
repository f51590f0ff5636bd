import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { callProvider, readRetryAfter } from '../call-provider.ts';
import type { ProviderTools } from '../provider.ts';
import { readJsonObject } from '../read-json.ts';

const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
/** Lifetime that is asked for, the longest that Google grants. */
const LIFETIME_SECONDS = 3600;
/** Time before its end from which a token is renewed, while it is still used. */
const RENEW_EARLY_MS: Millis = 5 * 60_000;
/** Time before its end from which a token is no longer used: it must still be good when it arrives. */
const UNUSABLE_EARLY_MS: Millis = 10_000;
/** Age from which a token that Google rejects may just have been revoked: a new one may be accepted. */
const REVOCABLE_AFTER_MS: Millis = 60_000;
const MAX_GRANT_MS: Millis = 10_000;

export interface ServiceAccount {
  readonly clientEmail: string;
  readonly key: KeyObject;
  readonly keyId?: string;
  readonly tokenUri: string;
}

interface AccessToken {
  readonly text: string;
  readonly issuedAt: Millis;
  readonly expiresAt: Millis;
}

type Grant = { readonly token: string } | { readonly outcome: SendOutcome };

/** The access token of a service account (RFC 7523): kept, renewed 5 minutes early, by one request at a time. */
export class GoogleTokens {
  readonly #account: ServiceAccount;
  readonly #tools: ProviderTools;
  #token: AccessToken | undefined;
  #renewal: Promise<Grant> | undefined;

  constructor(account: ServiceAccount, tools: ProviderTools) {
    this.#account = account;
    this.#tools = tools;
  }

  /** Returns a token, or the outcome of a send without a token: the message was not handed over. */
  async get(): Promise<Grant> {
    const now = this.#tools.clock();
    // If the clock was set back, it does not tell when the token ends.
    const left = this.#token && now >= this.#token.issuedAt ? this.#token.expiresAt - now : 0;
    if (left > RENEW_EARLY_MS) return { token: this.#token!.text };
    const renewal = this.#renew();
    if (left <= UNUSABLE_EARLY_MS) return renewal;
    // Nothing waits for it now: a failure shows when the token is needed.
    renewal.catch(() => {});
    return { token: this.#token!.text };
  }

  /** Returns a token that was not used before, or the outcome of a send without a token. */
  grantNew(): Promise<Grant> {
    return this.#renew();
  }

  /**
   * Drops a token that was rejected. Returns whether another may be accepted; false: this one was new, so the account itself is
   * not accepted.
   */
  reject(token: string): boolean {
    if (this.#token?.text !== token) return true;
    const age = this.#tools.clock() - this.#token.issuedAt;
    this.#token = undefined;
    return age > REVOCABLE_AFTER_MS || age < 0;
  }

  #renew(): Promise<Grant> {
    this.#renewal ??= this.#grant().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #grant(): Promise<Grant> {
    const { http, clock } = this.#tools;
    const issuedAt = clock();
    const body = new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: await this.#sign(Math.floor(issuedAt / 1000)),
    }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const call = await callProvider(http, { url: this.#account.tokenUri, headers, body, maxMillis: MAX_GRANT_MS });
    // The message was not handed over, even if this request was.
    if ('outcome' in call) {
      const { outcome } = call;
      const timedOut = 'timedOut' in outcome && outcome.timedOut ? { timedOut: true } : {};
      return { outcome: { kind: 'retry', reason: 'no access token could be had of Google', ...timedOut } };
    }
    const { response } = call;
    const answer = readJsonObject(response.body);
    const { access_token: text, expires_in: seconds, error } = answer ?? {};
    if (response.status === 200 && typeof text === 'string' && text !== '') {
      const lifetime = typeof seconds === 'number' && seconds > 0 ? Math.min(seconds, LIFETIME_SECONDS) : 0;
      this.#token = { text, issuedAt, expiresAt: issuedAt + lifetime * 1000 };
      return { token: text };
    }
    const reply = { response: `HTTP ${response.status}` };
    if (typeof error === 'string' && /^[a-z_]{1,64}$/.test(error) && [400, 401, 403].includes(response.status)) {
      const reason = 'the service account was rejected: check client_email, private_key and the clock';
      return { outcome: { kind: 'misconfigured', code: error, reason, ...reply } };
    }
    const after = readRetryAfter(response.headers, clock());
    return {
      outcome: {
        kind: 'retry',
        reason: 'no access token could be had of Google',
        ...reply,
        ...(after === undefined ? {} : { of: 'account', after }),
      },
    };
  }

  #sign(now: number): Promise<string> {
    const { clientEmail, key, keyId, tokenUri } = this.#account;
    return new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
      .setIssuer(clientEmail)
      .setAudience(tokenUri)
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME_SECONDS)
      .sign(key);
  }
}
