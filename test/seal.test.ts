import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Seal } from '../src/privacy/seal.ts';
import { addressAad } from '../src/users/addresses.ts';
import { TENANT } from './support/tidings.ts';

const LOCAL = 'zanzibar.quagmire';
const EMAIL = `${LOCAL}@example.com`;
const OTHER_EMAIL = `${LOCAL}+other@example.org`;

describe('a seal', () => {
  const key = randomBytes(32);
  const seal = new Seal(key);
  const purpose = addressAad(TENANT, 'maria', 'email');

  test('opens what it sealed, for the same row', () => {
    for (const text of [EMAIL, '', '🦊'.repeat(1000)]) {
      const { bytes, keyId } = seal.seal(text, purpose);
      expect(new Seal(key).open(bytes, purpose)).toBe(text);
      expect(keyId).toBe(new Seal(key).keyId);
    }
  });

  test('does not open under another key', () => {
    const other = new Seal(randomBytes(32));
    expect(other.keyId).not.toBe(seal.keyId);
    expect(() => other.open(seal.seal(EMAIL, purpose).bytes, purpose)).toThrow();
  });

  test('does not open on the row of another user, tenant or kind', () => {
    const { bytes } = seal.seal(EMAIL, purpose);
    for (const [tenant, user, kind] of [
      [TENANT, 'mark', 'email'],
      ['other', 'maria', 'email'],
      [TENANT, 'maria', 'phone'],
    ]) {
      expect(() => seal.open(bytes, addressAad(tenant as string, user as string, kind as string))).toThrow();
    }
  });

  test('does not open when a bit is changed or bytes are missing', () => {
    const { bytes } = seal.seal(EMAIL, purpose);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => seal.open(changed, purpose)).toThrow();
    }
    for (const length of [0, 11, 12, 20, 27, 28, bytes.length - 1]) {
      expect(() => seal.open(bytes.subarray(0, length), purpose)).toThrow();
    }
  });

  test('opens a text that an earlier version sealed, and has the same key id and hash', () => {
    const old = new Seal(Buffer.alloc(32, 7));
    const bytes = Buffer.from('Thca2l+2+7hIHxDvkP1Ac2hV5ce7KSCMTkjlqJd2LeJmGsUcVK7/dpj0wVRv', 'base64');
    expect(old.open(bytes, 'row')).toBe('maria@example.com');
    expect(old.keyId).toBe('65d1e9277c0189a0');
    expect(old.hash('maria@example.com')).toBe('3GRS6WTTex56FR6xat5kHCQa1vRVQ5Gb');
  });

  test('never uses a nonce twice', () => {
    const nonces = Array.from({ length: 1000 }, () => seal.seal(EMAIL, purpose).bytes.toString('hex', 0, 12));
    expect(new Set(nonces).size).toBe(1000);
  });

  test('always hashes the same way', () => {
    expect(new Seal(key).hash(EMAIL)).toBe(seal.hash(EMAIL));
    expect(new Seal(randomBytes(32)).hash(EMAIL)).not.toBe(seal.hash(EMAIL));
    expect(seal.hash(OTHER_EMAIL)).not.toBe(seal.hash(EMAIL));
  });
});
