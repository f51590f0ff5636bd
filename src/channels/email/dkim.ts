import { createPrivateKey, createPublicKey } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import DKIM from 'nodemailer/lib/dkim';
import { ConfigError } from '../../errors.ts';

/** Bits of an RSA key, at least: receivers ignore signatures with fewer (RFC 8301). */
const MIN_KEY_BITS = 1024;

export interface DkimSettings {
  readonly domain: string;
  /** The name of the DNS record: `SELECTOR._domainkey.DOMAIN`. */
  readonly selector: string;
  /** PEM; line breaks may be written as `\\n`. */
  readonly privateKey: string;
}

/** Signs emails for one domain. */
export type DkimKey = DKIM;

/**
 * Returns the signer of a key.
 * @throws ConfigError if the key is no RSA key that can be read, or too short; it never quotes the key
 */
export function openDkimKey({ domain, selector, privateKey }: DkimSettings): DkimKey {
  const pem = toPem(privateKey);
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(pem);
  } catch {
    // Without the original error, which may quote the key.
    throw new ConfigError('dkim_private_key cannot be read; it must be an RSA key in PEM, without a password');
  }
  if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_KEY_BITS) {
    throw new ConfigError(`dkim_private_key must be an RSA key of at least ${MIN_KEY_BITS} bits`);
  }
  return new DKIM({ domainName: domain, keySelector: selector, privateKey: pem });
}

/** Returns the public key for the DNS record, as SPKI in Base64. @throws Error for a key that `openDkimKey` rejects */
export function getPublicKey(privateKey: string): string {
  const key = createPublicKey(createPrivateKey(toPem(privateKey)));
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}

function toPem(text: string): string {
  return text.replaceAll('\\n', '\n');
}

/** Returns an email with its signature (RFC 6376) before it, over the headers of RFC 8058 as well. */
export async function signMail(key: DkimKey, raw: Buffer): Promise<Buffer> {
  return buffer(key.sign(raw));
}
