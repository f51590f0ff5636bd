import { constants, createPublicKey, type KeyObject, publicEncrypt } from 'node:crypto';
import type { CardPadding } from '../../model/connector.ts';
import { CallFailure } from '../call-failure.ts';

const OPTIONS = {
  'oaep-sha1': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
  'oaep-sha256': { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' },
  'pkcs1-v1.5': { padding: constants.RSA_PKCS1_PADDING },
} as const satisfies { readonly [padding in CardPadding]: object };

/** Reads the certificate of a card network, or its public key, in PEM. @throws CallFailure `certificate_invalid` */
export function readCertificate(pem: string): KeyObject {
  try {
    const key = createPublicKey(pem.replaceAll('\\n', '\n'));
    if (key.asymmetricKeyType === 'rsa') return key;
  } catch {
    // As a key of another kind.
  }
  throw new CallFailure(
    'certificate_invalid',
    'The certificate of the card network is no RSA certificate or key in PEM.',
    true,
  );
}

/** Encrypts a card number for the network, as base64. */
export function encryptNumber(digits: Buffer, key: KeyObject, padding: CardPadding): string {
  return publicEncrypt({ key, ...OPTIONS[padding] }, digits).toString('base64');
}
