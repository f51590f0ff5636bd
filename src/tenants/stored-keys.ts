import { createHash, timingSafeEqual } from 'node:crypto';
import type pg from 'pg';
import type { Logger } from 'pino';
import { TidingsError } from '../errors.ts';
import { LookupCache } from '../lib/lookup-cache.ts';
import type { Millis } from '../model/event.ts';
import { SCOPES } from '../model/principal.ts';
import { loadKey, markKeysUsed, type StoredKey } from '../store/keys/api-keys.ts';
import type { Credentials, Identity } from './authenticator.ts';
import { isKeyText, parseKey } from './key-text.ts';

/** Keys in memory; one takes some 1 KiB. */
const MAX_KEYS = 10_000;
/** Time in ms after which a revoked key is rejected even if its announcement was missed. */
const MAX_AGE_MS = 30_000;
/** Time in ms between two writes of the last use of a key. */
const USE_INTERVAL_MS = 60_000;
/** Time in ms that uses are gathered before they are written. */
const WRITE_PAUSE_MS = 1000;

export interface StoredKeysOptions {
  /** That of the owner. */
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Requests per minute of a key that has no limit of its own. */
  readonly perMinute: number;
}

interface KnownKey extends StoredKey {
  readonly identity: Identity;
}

/**
 * Recognizes API keys that are stored. Keys are kept in memory for MAX_AGE_MS, and forgotten at once when one changes. The
 * last use of a key is written in the background.
 */
export class StoredKeys {
  readonly #options: StoredKeysOptions;
  readonly #keys: LookupCache<KnownKey>;
  /** When this process last noted a use of a key. */
  readonly #usedAt = new Map<string, Millis>();
  readonly #unwritten = new Set<string>();
  #write: NodeJS.Timeout | undefined;

  constructor(options: StoredKeysOptions) {
    this.#options = options;
    const { pool, perMinute } = options;
    this.#keys = new LookupCache({
      max: MAX_KEYS,
      ttl: MAX_AGE_MS,
      load: async (keyId) => {
        const key = await loadKey(pool, keyId);
        return key && { ...key, identity: toIdentity(key, perMinute) };
      },
    });
  }

  /** An Authenticator. */
  readonly authenticate = (credentials: Credentials): Identity | undefined | Promise<Identity> => {
    const { token } = credentials;
    if (token === undefined || !isKeyText(token)) return undefined;
    const parts = parseKey(token);
    if (!parts) {
      throw new TidingsError('unauthorized', 'The API key is incomplete or mistyped: its checksum does not match.');
    }
    const key = this.#keys.find(parts.keyId);
    return key instanceof Promise
      ? key.then((found) => this.#admit(found, credentials))
      : this.#admit(key, credentials);
  };

  /** Forgets all keys: one has changed. */
  clear(): void {
    this.#keys.clear();
  }

  /** Writes the uses that are not written yet, and ends the writing. */
  async stop(): Promise<void> {
    clearTimeout(this.#write);
    await this.#writeUses();
  }

  #admit(key: KnownKey | null, { token = '', tenantId }: Credentials): Identity {
    if (!key || !timingSafeEqual(key.hash, createHash('sha256').update(token).digest())) {
      throw new TidingsError('unauthorized', 'This API key is unknown.');
    }
    const now = this.#options.clock();
    if (key.revokedAt !== null) throw new TidingsError('unauthorized', 'This API key is revoked.');
    if (key.expiresAt !== null && key.expiresAt <= now) {
      throw new TidingsError('unauthorized', 'This API key has expired.');
    }
    this.#noteUse(key.keyId, now);
    return key.isInstallation && tenantId !== undefined ? { ...key.identity, tenantId } : key.identity;
  }

  #noteUse(keyId: string, now: Millis): void {
    if (now - (this.#usedAt.get(keyId) ?? Number.NEGATIVE_INFINITY) < USE_INTERVAL_MS) return;
    if (this.#usedAt.size >= MAX_KEYS) this.#usedAt.clear();
    this.#usedAt.set(keyId, now);
    this.#unwritten.add(keyId);
    this.#write ??= setTimeout(() => this.#writeUses(), WRITE_PAUSE_MS).unref();
  }

  /** Writes the uses. Drops those that cannot be written: the next one, a minute later, is written again. */
  async #writeUses(): Promise<void> {
    this.#write = undefined;
    const keyIds = [...this.#unwritten];
    this.#unwritten.clear();
    if (keyIds.length === 0) return;
    const { pool, clock, log } = this.#options;
    await markKeysUsed(pool, keyIds, clock()).catch((error) => log.debug({ err: error }, 'last uses were not written'));
  }
}

const KNOWN_SCOPES: ReadonlySet<string> = new Set(SCOPES);

function toIdentity({ keyId, tenantId, name, scopes, perMinute }: StoredKey, defaultPerMinute: number): Identity {
  return {
    tenantId,
    actor: { kind: 'key', id: keyId, name },
    // One that a later version of Tidings has stored may be unknown here.
    scopes: new Set(scopes.filter((scope) => KNOWN_SCOPES.has(scope))),
    quota: { id: `key ${keyId}`, perMinute: perMinute ?? defaultPerMinute },
  };
}
