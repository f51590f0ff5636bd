import { createHash } from 'node:crypto';
import type { Message } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';

/** Whether a message shows nothing: it is data for the app only. */
export function isSilent({ title, subject, text }: Message): boolean {
  return (title ?? subject ?? '').trim() === '' && text.trim() === '';
}

/** The line above the text; undefined: there is no such line. */
export function getTitle({ title, subject }: Message): string | undefined {
  const line = title ?? subject;
  return line === undefined || line === '' ? undefined : line;
}

/** Returns a UUID made of a key, the same for every attempt (RFC 9562, version 8). */
export function toUuid(key: string): string {
  const bytes = createHash('sha256').update(key).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Longest time in seconds that FCM and the push services of browsers keep a message: 28 days. */
export const MAX_TTL_SECONDS = 28 * 86_400;

/** Returns for how many seconds a message keeps its use, at most 28 days. Undefined: it does not expire. */
export function getTtlSeconds(expiresAt: Millis | undefined, now: Millis): number | undefined {
  if (expiresAt === undefined) return undefined;
  return Math.min(MAX_TTL_SECONDS, Math.max(0, Math.floor((expiresAt - now) / 1000)));
}

/** Returns the text of each value for the data of FCM, which has texts only. */
export function toTexts(data: object): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
}
