import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

/**
 * An array as one text: the driver quotes arrays element by element, and JSON is parsed field by field; both cost more than
 * the statement itself. Ids, types and rule names hold no control characters, so U+001F parts them; nothing at all is the
 * empty array, and null an empty text.
 */
export function packTextArray(values: readonly (string | number | null)[]): string {
  return values.join('\x1f');
}

/**
 * Spans of event times as four parameters: where each begins, where each ends, and the first and the last moment of all,
 * which say beforehand which partitions are not needed.
 */
export function timeRangeParams(spans: readonly { readonly from: Millis; readonly to: Millis }[]): string[] {
  return [
    packTextArray(spans.map(({ from }) => isoTime(from))),
    packTextArray(spans.map(({ to }) => isoTime(to))),
    isoTime(spans.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY)),
    isoTime(spans.reduce((greatest, { to }) => Math.max(greatest, to), Number.NEGATIVE_INFINITY)),
  ];
}
