import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomFillSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** A sealed text as it is stored. */
export interface Sealed {
  /** 12-byte nonce, 16-byte tag, ciphertext. */
  readonly bytes: Buffer;
  readonly keyId: string;
}

/**
 * Seals addresses, and documents that hold them, with AES-256-GCM (NIST SP 800-38D, a random 96-bit nonce each) and hashes
 * them with HMAC-SHA-256 for look-ups. Both keys are derived from the configured key with HKDF, so neither reveals the other.
 *
 * Of several keys the first seals and each opens. The key of hashes stays what it is when the first key changes
 * (`useHashKey`): stored hashes cannot be made again.
 */
export class Seal {
  /** Identifies the key that seals, without revealing it. */
  readonly keyId: string;
  /** Receives the table of each document that cannot be opened. */
  readonly onUnreadable: ((table: string) => void) | undefined;
  /** By key id, the one that seals first. */
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #cipherKeys: ReadonlyMap<string, Buffer>;
  readonly #cipherKey: Buffer;
  #hashKey: Buffer;
  // Most events repeat a known address, and one HMAC costs more than evaluating all rules.
  readonly #hashes = new LRUCache<string, string>({ max: 50_000 });

  /** @param keys one of 32 bytes, or several: the first seals */
  constructor(keys: Buffer | readonly [Buffer, ...Buffer[]], onUnreadable?: (table: string) => void) {
    const [first, ...others] = Buffer.isBuffer(keys) ? [keys] : keys;
    this.onUnreadable = onUnreadable;
    this.#keys = new Map([first, ...others].map((key) => [toKeyId(key), key]));
    this.#cipherKeys = new Map([...this.#keys].map(([id, key]) => [id, derive(key, 'tidings addresses')]));
    this.keyId = toKeyId(first);
    this.#cipherKey = this.#cipherKeys.get(this.keyId) as Buffer;
    this.#hashKey = toHashKey(first);
  }

  /** Seals a text. @param purpose additional authenticated data that binds the ciphertext to its row */
  seal(text: string, purpose: string): Sealed {
    const nonce = drawNonce();
    const cipher = createCipheriv('aes-256-gcm', this.#cipherKey, nonce).setAAD(Buffer.from(purpose));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return { bytes: Buffer.concat([nonce, cipher.getAuthTag(), body]), keyId: this.keyId };
  }

  /**
   * Opens sealed bytes. Throws if they were sealed under another key, for another purpose, or were modified.
   * @param keyId the key that they are said to be sealed under; absent: each is tried
   */
  open(bytes: Buffer, purpose: string, keyId?: string): string {
    if (keyId !== undefined) return openWith(this.#cipherKeys.get(keyId), bytes, purpose);
    let failure: unknown;
    for (const key of this.#cipherKeys.values()) {
      try {
        return openWith(key, bytes, purpose);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  /** Returns the keyed hash of a text, 32 characters of base64url; equal texts have equal hashes under the same key. */
  hash(text: string): string {
    let hash = this.#hashes.get(text);
    if (hash === undefined) {
      hash = this.sign(text);
      this.#hashes.set(text, hash);
    }
    return hash;
  }

  /** Returns the keyed hash of a text as `hash` does, and does not keep it: for a text that hardly ever comes again. */
  sign(text: string): string {
    return createHmac('sha256', this.#hashKey).update(text).digest('base64url').slice(0, 32);
  }

  /** The ids of all keys, the one that seals first. */
  get keyIds(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Hashes as under the key with this id, or with a sealed key of hashes. Throws if it has no such key. */
  useHashKey(from: { readonly keyId: string } | { readonly sealed: Buffer }): void {
    if ('sealed' in from) this.#hashKey = Buffer.from(this.open(from.sealed, HASH_KEY_PURPOSE), 'base64');
    else this.#hashKey = toHashKey(this.#keys.get(from.keyId) as Buffer);
    this.#hashes.clear();
  }

  /** Returns the key of hashes, sealed, to be stored when the key that it was derived from is about to go. */
  sealHashKey(): Buffer {
    return this.seal(this.#hashKey.toString('base64'), HASH_KEY_PURPOSE).bytes;
  }
}

const HASH_KEY_PURPOSE = 'hash key';

function openWith(key: Buffer | undefined, bytes: Buffer, purpose: string): string {
  if (!key) throw new Error('sealed under a key that this process does not have');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12))
    .setAAD(Buffer.from(purpose))
    .setAuthTag(bytes.subarray(12, 28));
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
}

function toKeyId(key: Buffer): string {
  return derive(key, 'tidings key id').toString('hex', 0, 8);
}

function toHashKey(key: Buffer): Buffer {
  return derive(key, 'tidings address look-up');
}

const NONCE_BYTES = 12;
const random = Buffer.alloc(340 * NONCE_BYTES);
let drawn = random.length;

/** Returns an unused nonce. Random bytes are drawn for 340 nonces at a time: one small draw costs as much as the encryption. */
function drawNonce(): Buffer {
  if (drawn === random.length) {
    randomFillSync(random);
    drawn = 0;
  }
  drawn += NONCE_BYTES;
  return random.subarray(drawn - NONCE_BYTES, drawn);
}

function derive(key: Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', label, 32));
}
