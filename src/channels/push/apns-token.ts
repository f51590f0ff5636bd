import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Millis } from '../../model/event.ts';

/**
 * Time in ms that a token is used. Apple accepts it for an hour, and wants no new one within 20 minutes. All processes begin a
 * new one at the same times.
 */
const PERIOD_MS: Millis = 30 * 60_000;
const MIN_AGE_MS: Millis = 20 * 60_000;

/** The provider authentication token of APNs: signed once in 30 minutes, and not twice within 20. */
export class ApnsToken {
  readonly #key: KeyObject;
  readonly #keyId: string;
  readonly #teamId: string;
  readonly #clock: () => Millis;
  #current:
    | { readonly text: Promise<string>; readonly from: Millis; readonly until: Millis; readonly signedAt: Millis }
    | undefined;

  constructor(
    key: KeyObject,
    { keyId, teamId }: { readonly keyId: string; readonly teamId: string },
    clock: () => Millis,
  ) {
    this.#key = key;
    this.#keyId = keyId;
    this.#teamId = teamId;
    this.#clock = clock;
  }

  async get(): Promise<string> {
    const now = this.#clock();
    if (!this.#current || now < this.#current.from || now >= this.#current.until) {
      const from = startOfPeriod(now);
      this.#current = { text: this.#sign(from), from, until: from + PERIOD_MS, signedAt: now };
    }
    return this.#current.text;
  }

  /**
   * Replaces a token that APNs says has expired. Returns whether another one may be accepted; false: this one is so new that our
   * clock must be wrong.
   */
  async replace(token: string): Promise<boolean> {
    if (!this.#current || (await this.#current.text) !== token) return true;
    const now = this.#clock();
    const age = now - this.#current.signedAt;
    if (age < MIN_AGE_MS) return false;
    // Until the end of a period, but not one that ends so soon that Apple would see two new tokens within 20 minutes.
    const until = startOfPeriod(now + MIN_AGE_MS) + PERIOD_MS;
    this.#current = { text: this.#sign(now), from: now, until, signedAt: now };
    return true;
  }

  #sign(issuedAt: Millis): Promise<string> {
    return new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: this.#keyId })
      .setIssuer(this.#teamId)
      .setIssuedAt(Math.floor(issuedAt / 1000))
      .sign(this.#key);
  }
}

function startOfPeriod(at: Millis): Millis {
  return Math.floor(at / PERIOD_MS) * PERIOD_MS;
}
