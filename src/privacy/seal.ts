import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomFillSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';

/** What is stored of a secret text. */
export interface Sealed {
  /** 12-byte nonce, 16-byte tag, ciphertext. */
  readonly bytes: Buffer;
  readonly keyId: string;
}

/**
 * Seals addresses with AES-256-GCM (NIST SP 800-38D, a random 96-bit nonce each) and finds them by keyed hash
 * (HMAC-SHA-256). Both keys are derived from the one of the configuration, so that neither tells the other.
 */
export class Seal {
  /** Names the key without telling it. */
  readonly keyId: string;
  readonly #cipherKey: Buffer;
  readonly #hashKey: Buffer;
  // The same people write again and again: an HMAC costs more than all their rules together.
  readonly #hashes = new LRUCache<string, string>({ max: 50_000 });

  /** @param key 32 bytes */
  constructor(key: Buffer) {
    this.#cipherKey = derive(key, 'tidings addresses');
    this.#hashKey = derive(key, 'tidings address look-up');
    this.keyId = derive(key, 'tidings key id').toString('hex', 0, 8);
  }

  /** @param purpose binds the ciphertext to its row, so that it opens nowhere else */
  seal(text: string, purpose: string): Sealed {
    const nonce = freshNonce();
    const cipher = createCipheriv('aes-256-gcm', this.#cipherKey, nonce).setAAD(Buffer.from(purpose));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return { bytes: Buffer.concat([nonce, cipher.getAuthTag(), body]), keyId: this.keyId };
  }

  /** Throws if the bytes were sealed under another key or for another purpose, or were changed. */
  open(bytes: Buffer, purpose: string): string {
    const decipher = createDecipheriv('aes-256-gcm', this.#cipherKey, bytes.subarray(0, 12))
      .setAAD(Buffer.from(purpose))
      .setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  }

  /** The same text gives the same hash, for whoever has the key. */
  hash(text: string): string {
    let hash = this.#hashes.get(text);
    if (hash === undefined) {
      hash = createHmac('sha256', this.#hashKey).update(text).digest('base64url').slice(0, 32);
      this.#hashes.set(text, hash);
    }
    return hash;
  }
}

const NONCE = 12;
const random = Buffer.alloc(340 * NONCE);
let drawn = random.length;

/** Drawn many at a time: asking the system for a few bytes costs as much as the encryption. None is given twice. */
function freshNonce(): Buffer {
  if (drawn === random.length) {
    randomFillSync(random);
    drawn = 0;
  }
  drawn += NONCE;
  return random.subarray(drawn - NONCE, drawn);
}

function derive(key: Buffer, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', label, 32));
}
