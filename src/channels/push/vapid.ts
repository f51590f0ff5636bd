import { createECDH } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import library from 'web-push';
import { ConfigError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';

/** Push services that are remembered: browsers have a handful, but an endpoint may name any. */
const MAX_ORIGINS = 1000;
/** Lifetime of a token, and the time before its end from which a new one is made. At most 24 hours are allowed (RFC 8292). */
const LIFETIME_MS: Millis = 12 * 3_600_000;
const RENEW_EARLY_MS: Millis = 3_600_000;

export interface VapidKeys {
  /** Base64url, 65 bytes. */
  readonly publicKey: string;
  /** Base64url, 32 bytes. */
  readonly privateKey: string;
  /** `mailto:` or `https:` URL by which the push service reaches the operator. */
  readonly subject: string;
}

/** The header `Authorization` of VAPID (RFC 8292): one token for each push service, signed twice a day. */
export class Vapid {
  readonly #keys: VapidKeys;
  readonly #clock: () => Millis;
  readonly #headers = new LRUCache<string, { readonly text: string; readonly from: Millis; readonly renewAt: Millis }>({
    max: MAX_ORIGINS,
  });

  /** @throws ConfigError if the keys do not belong together */
  constructor(keys: VapidKeys, clock: () => Millis) {
    this.#keys = keys;
    this.#clock = clock;
    if (derivePublicKey(keys.privateKey) !== keys.publicKey) {
      throw new ConfigError('private_key is not the key of public_key: expected the two keys of one pair.');
    }
  }

  /** @param origin that of the endpoint */
  getHeader(origin: string): string {
    const now = this.#clock();
    const known = this.#headers.get(origin);
    // Made by a clock that was ahead, it would last for longer than push services accept.
    if (known && now >= known.from && now < known.renewAt) return known.text;
    const { subject, publicKey, privateKey } = this.#keys;
    const expiration = Math.floor((now + LIFETIME_MS) / 1000);
    const headers = library.getVapidHeaders(origin, subject, publicKey, privateKey, 'aes128gcm', expiration);
    this.#headers.set(origin, { text: headers.Authorization, from: now, renewAt: now + LIFETIME_MS - RENEW_EARLY_MS });
    return headers.Authorization;
  }
}

function derivePublicKey(privateKey: string): string | undefined {
  const curve = createECDH('prime256v1');
  try {
    curve.setPrivateKey(Buffer.from(privateKey, 'base64url'));
    return curve.getPublicKey('base64url');
  } catch {
    return undefined;
  }
}
