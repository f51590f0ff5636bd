import { sliceStart } from '../lib/text/truncate-text.ts';
import type { Millis } from '../model/event.ts';

const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;
type Unit = keyof typeof UNITS;

const MAX_DURATION_MS = 3650 * UNITS.d;

/** A parsed duration (ms, and the text as written), or a message with a hint. */
export type DurationResult =
  | { readonly ms: Millis; readonly text: string }
  | { readonly message: string; readonly hint: string };

/**
 * Parses `30s`, `10m`, `24h`, `7d`, `2w` and combinations in descending order of units (`1h30m`). A day is exactly
 * 24 hours. The result is more than zero and at most 3650 days.
 */
export function parseDuration(written: string): DurationResult {
  const text = written.trim();
  if (!/^(\d+[wdhms])+$/.test(text)) return diagnose(text);
  let ms = 0;
  let previous: number = Number.POSITIVE_INFINITY;
  for (const [, digits, unit] of text.matchAll(/(\d+)([wdhms])/g)) {
    const size = UNITS[unit as Unit];
    if (size >= previous) {
      return { message: `${quote(text)} has its units in the wrong order`, hint: 'from large to small: 1d12h, 1h30m' };
    }
    previous = size;
    ms += Number(digits) * size;
  }
  if (ms === 0) return { message: `${quote(text)} is zero`, hint: 'write more than zero: 30s, 10m, 24h' };
  if (ms > MAX_DURATION_MS) return { message: `${quote(text)} is too long`, hint: 'at most 3650d' };
  return { ms, text };
}

function diagnose(text: string): DurationResult {
  const message = `${quote(text)} is not a duration`;
  if (/^\d+$/.test(text)) return { message, hint: `the unit is missing: ${text}s, ${text}m, ${text}h or ${text}d?` };
  const words = /^(\d{1,9})\s*(w|d|h|m|s)(?:eeks?|ays?|ours?|rs?|inutes?|ins?|econds?|ecs?)?$/i.exec(text);
  if (words) return { message, hint: `write ${words[1]}${words[2]?.toLowerCase()}` };
  return { message, hint: 'a number and a unit (s, m, h, d, w): 30s, 10m, 24h, 7d, 1h30m' };
}

/** Quotes text for a message, truncated to 40 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${sliceStart(text, 40)}…` : text);
}
