import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';

/**
 * Packs an array into one text, for `string_to_array($n, E'\x1f')`. The driver would quote an array element by element, and
 * JSON would be parsed field by field; both cost more than the statement itself. Elements must not contain U+001F, which
 * ids, types and rule names cannot. The empty array is the empty text, and null an empty element.
 */
export function packTextArray(values: readonly (string | number | null)[]): string {
  return values.join('\x1f');
}

/**
 * Returns spans of event times as four parameters: packed starts, packed ends, and the first and the last time of all, by
 * which PostgreSQL rules out partitions before it runs the statement.
 */
export function timeRangeParams(spans: readonly { readonly from: Millis; readonly to: Millis }[]): string[] {
  return [
    packTextArray(spans.map(({ from }) => isoTime(from))),
    packTextArray(spans.map(({ to }) => isoTime(to))),
    isoTime(spans.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY)),
    isoTime(spans.reduce((greatest, { to }) => Math.max(greatest, to), Number.NEGATIVE_INFINITY)),
  ];
}
