import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomFillSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** A sealed text as it is stored. */
export interface Sealed {
  /** 12-byte nonce, 16-byte tag, ciphertext. */
  readonly bytes: Buffer;
  readonly keyId: string;
}

/**
 * Seals addresses, and documents that hold them, with AES-256-GCM (NIST SP 800-38D, a random 96-bit nonce each) and hashes them with HMAC-SHA-256 for
 * look-ups. Both keys are derived from the configured key with HKDF, so neither reveals the other.
 */
export class Seal {
  /** Identifies the key without revealing it. */
  readonly keyId: string;
  readonly #cipherKey: Buffer;
  readonly #hashKey: Buffer;
  // Most events repeat a known address, and one HMAC costs more than evaluating all rules.
  readonly #hashes = new LRUCache<string, string>({ max: 50_000 });
  /** Receives the table of each document that cannot be opened. */
  readonly onUnreadable: ((table: string) => void) | undefined;

  /** @param key 32 bytes */
  constructor(key: Buffer, onUnreadable?: (table: string) => void) {
    this.onUnreadable = onUnreadable;
    this.#cipherKey = derive(key, 'tidings addresses');
    this.#hashKey = derive(key, 'tidings address look-up');
    this.keyId = derive(key, 'tidings key id').toString('hex', 0, 8);
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
   * @param keyId the key that they are said to be sealed under
   */
  open(bytes: Buffer, purpose: string, keyId = this.keyId): string {
    if (keyId !== this.keyId) throw new Error(`sealed under key ${keyId}`);
    const decipher = createDecipheriv('aes-256-gcm', this.#cipherKey, bytes.subarray(0, 12))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  }

  /** Returns the keyed hash of a text, 32 characters of base64url; equal texts have equal hashes under the same key. */
  hash(text: string): string {
    let hash = this.#hashes.get(text);
    if (hash === undefined) {
      hash = createHmac('sha256', this.#hashKey).update(text).digest('base64url').slice(0, 32);
      this.#hashes.set(text, hash);
    }
    return hash;
  }
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
