import { createPrivateKey, type KeyObject } from 'node:crypto';
import { ConfigError } from '../errors.ts';

/**
 * Returns the private key of a PEM text. A literal `\n` is a line break, as in environment variables, also if it was escaped
 * several times (`\\n`), and quotes around the text are ignored.
 * @param setting its name, for the error
 * @throws ConfigError for any other text, and for a key of another kind; the message does not have the key
 */
export function readPrivateKey(text: string, kind: 'rsa' | 'ec', setting: string): KeyObject {
  const pem = text
    .trim()
    .replace(/^(["'])([\s\S]*)\1$/, '$2')
    .replace(/\\+r/g, '')
    .replace(/\\+n/g, '\n')
    .trim();
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    const expected = 'a PEM text that begins with -----BEGIN PRIVATE KEY-----, with line breaks or \\n';
    throw new ConfigError(`${setting} cannot be read as a private key: expected ${expected}.`);
  }
  if (key.asymmetricKeyType !== kind) {
    throw new ConfigError(`${setting} is a key of the kind ${key.asymmetricKeyType}: expected ${kind}.`);
  }
  return key;
}
