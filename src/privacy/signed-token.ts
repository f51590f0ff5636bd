import { timingSafeEqual } from 'node:crypto';
import type { Seal } from './seal.ts';

/** Returns a signed token for a URL. A token of one purpose cannot be read as one of another. */
export function signToken(seal: Seal, purpose: string, text: string): string {
  const body = Buffer.from(text).toString('base64url');
  return `${body}.${seal.sign(`${purpose}\n${body}`)}`;
}

/** Returns the text of a token; undefined: it was not signed here, or is longer than `maxChars`. */
export function readToken(seal: Seal, purpose: string, token: string, maxChars: number): string | undefined {
  if (token.length > maxChars) return undefined;
  const [body = '', signature = '', ...rest] = token.split('.');
  const [given, right] = [Buffer.from(signature), Buffer.from(seal.sign(`${purpose}\n${body}`))];
  if (rest.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) return undefined;
  return Buffer.from(body, 'base64url').toString('utf8');
}
