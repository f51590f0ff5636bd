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
