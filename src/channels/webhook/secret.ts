import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto';

/** Bytes of a secret of Standard Webhooks. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
/** Characters of a secret of another form. */
export const MIN_SECRET_CHARS = 16;
export const MAX_SECRET_CHARS = 512;

/** Start of a PKCS #8 document with a private key of Ed25519; the 32 bytes of its seed follow. */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const ED25519_BYTES = 64;

/** A secret, ready to sign. */
export type WebhookKey =
  /** `v1`: HMAC-SHA256. */
  | { readonly kind: 'hmac'; readonly key: Buffer }
  /** `v1a`: Ed25519. */
  | { readonly kind: 'ed25519'; readonly key: KeyObject };

/** Returns a new secret for HMAC: `whsec_` and 32 random bytes in base64. */
export function makeWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** Returns why a text cannot be a secret, as a predicate with what would be right; undefined: it can. */
export function findSecretFault(secret: string): string | undefined {
  const rest = secret.replace(/^whs(ec|k)_/, '');
  const bytes = readBase64(rest);
  if (secret.startsWith('whsk_')) {
    if (bytes?.length === ED25519_BYTES && isPair(bytes)) return undefined;
    return 'is not a key pair of Ed25519; write whsk_ and base64 of its 64 bytes, the seed and the public key';
  }
  if (secret.startsWith('whsec_')) {
    if (bytes && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES) return undefined;
    return `is not a secret; write whsec_ and base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes`;
  }
  if (secret.startsWith('whpk_')) return 'is a public key; write the secret of the pair, which begins with whsk_';
  if (secret.length < MIN_SECRET_CHARS || secret.length > MAX_SECRET_CHARS) {
    return `does not have ${MIN_SECRET_CHARS} to ${MAX_SECRET_CHARS} characters`;
  }
  return /^[\x21-\x7e]+$/.test(secret) ? undefined : 'has a character that is not printable ASCII, or a blank';
}

/**
 * Returns a secret as the key that it stands for. Without a prefix it is what base64 of 24 to 64 bytes stands for, as in the
 * libraries of Standard Webhooks, otherwise its own bytes.
 */
export function toWebhookKey(secret: string): WebhookKey {
  if (secret.startsWith('whsk_')) {
    const bytes = Buffer.from(secret.slice('whsk_'.length), 'base64');
    return { kind: 'ed25519', key: toPrivateKey(bytes) };
  }
  const text = secret.replace(/^whsec_/, '');
  const bytes = readBase64(text);
  const isEncoded = bytes !== undefined && bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES;
  return { kind: 'hmac', key: isEncoded ? bytes : Buffer.from(text, 'utf8') };
}

/** Returns what a receiver verifies `v1a` signatures with, as `whpk_…`; undefined: the secret is one of HMAC. */
export function toPublicSecret(secret: string): string | undefined {
  if (!secret.startsWith('whsk_')) return undefined;
  return `whpk_${Buffer.from(secret.slice('whsk_'.length), 'base64').subarray(32).toString('base64')}`;
}

/** Returns the bytes of strict base64, with or without padding; undefined: it is something else. */
function readBase64(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') ? bytes : undefined;
}

function toPrivateKey(bytes: Buffer): KeyObject {
  const key = Buffer.concat([ED25519_PREFIX, bytes.subarray(0, 32)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** Whether the second half is the public key of the first. */
function isPair(bytes: Buffer): boolean {
  const { x } = createPublicKey(toPrivateKey(bytes)).export({ format: 'jwk' });
  return x === bytes.subarray(32).toString('base64url');
}
