import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Environment } from '../model/principal.ts';

/**
 * The text of an API key: `td_live_` or `td_test_`, 8 characters that identify it, 30 that are secret (178 bits), and 6 that
 * are the CRC-32 of all before them. Secret scanners find it by KEY_PATTERN (docs/security.md); a typing error is noticed
 * without a look-up.
 */
export interface KeyText {
  readonly environment: Environment;
  readonly keyId: string;
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ID_CHARS = 8;
const SECRET_CHARS = 30;
const CHECKSUM_CHARS = 6;

const KEY_PATTERN = /^td_(live|test)_([0-9A-Za-z]{8})[0-9A-Za-z]{30}[0-9A-Za-z]{6}$/;

/** Returns the id of the key that an operation creates: the same whenever it is repeated. @param operationId a UUID */
export function toKeyId(operationId: string): string {
  const bytes = createHash('sha256').update(operationId).digest();
  return Array.from({ length: ID_CHARS }, (_, i) => DIGITS[bytes.readUInt16BE(i * 2) % 62]).join('');
}

/** Creates the text of a new key. @param keyId default: a random one */
export function generateKey(
  environment: Environment,
  keyId = randomDigits(ID_CHARS),
): { readonly keyId: string; readonly text: string } {
  const text = `td_${environment}_${keyId}${randomDigits(SECRET_CHARS)}`;
  return { keyId, text: text + checksum(text) };
}

/** Returns whether a credential is meant to be an API key. */
export function isKeyText(text: string): boolean {
  return /^td_(live|test)_/.test(text);
}

/** Returns the parts of a key; undefined: it is incomplete, or was mistyped. */
export function parseKey(text: string): KeyText | undefined {
  const [, environment, keyId] = KEY_PATTERN.exec(text) ?? [];
  if (keyId === undefined || checksum(text.slice(0, -CHECKSUM_CHARS)) !== text.slice(-CHECKSUM_CHARS)) return undefined;
  return { environment: environment as Environment, keyId };
}

/** Returns digits of base 62, each equally likely. */
function randomDigits(count: number): string {
  let digits = '';
  while (digits.length < count) {
    // A byte above 247 is left out: 248 is a multiple of 62.
    for (const byte of randomBytes(count * 2)) if (byte < 248) digits += DIGITS[byte % 62];
  }
  return digits.slice(0, count);
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = '';
  for (let i = 0; i < CHECKSUM_CHARS; i++) {
    digits = DIGITS[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
