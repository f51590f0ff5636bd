import { createPublicKey, type KeyObject } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import DKIM from 'nodemailer/lib/dkim';
import { ConfigError } from '../../errors.ts';
import { readPrivateKey } from '../private-key.ts';

/** Bits of an RSA key, at least: receivers ignore signatures with fewer (RFC 8301). */
const MIN_KEY_BITS = 1024;

export interface DkimSettings {
  readonly domain: string;
  /** The name of the DNS record: `SELECTOR._domainkey.DOMAIN`. */
  readonly selector: string;
  /** As `readPrivateKey` reads it. */
  readonly privateKey: string;
}

/** Signs emails for one domain. */
export type DkimKey = DKIM;

/**
 * Returns the signer of a key.
 * @throws ConfigError if the key is no RSA key that can be read, or too short; it never quotes the key
 */
export function openDkimKey({ domain, selector, privateKey }: DkimSettings): DkimKey {
  const key = readKey(privateKey);
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_KEY_BITS) {
    throw new ConfigError(`dkim_private_key must be an RSA key of at least ${MIN_KEY_BITS} bits`);
  }
  const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  return new DKIM({ domainName: domain, keySelector: selector, privateKey: pem });
}

/** Returns the public key for the DNS record, as SPKI in Base64. @throws Error for a key that `openDkimKey` rejects */
export function getPublicKey(privateKey: string): string {
  return createPublicKey(readKey(privateKey)).export({ type: 'spki', format: 'der' }).toString('base64');
}

function readKey(privateKey: string): KeyObject {
  return readPrivateKey(privateKey, 'rsa', 'dkim_private_key');
}

/** Returns an email with its signature (RFC 6376) before it, over the headers of RFC 8058 as well. */
export async function signMail(key: DkimKey, raw: Buffer): Promise<Buffer> {
  return buffer(key.sign(raw));
}
