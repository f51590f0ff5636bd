import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import type { Difference } from '../../catalog/diff.ts';
import { truncateText } from '../../lib/text/truncate-text.ts';
import type { Json } from '../../model/event.ts';
import { toCatalogKey, toCatalogValue } from './catalog-words.ts';

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;
/** Longer values stand below each other, each in a line of its own. */
const MAX_INLINE_CHARS = 50;
const MAX_LINE_CHARS = 400;
const MAX_CHANGED_LINES = 20;
const INDENT = '    ';

/**
 * Formats the differences of two catalogs: a line for each part, and below it what changed in it, in the words of the YAML files.
 * Of an object only the keys that changed are shown, of a long text only the lines.
 */
export function formatDifferences(differences: readonly Difference[]): string[] {
  if (differences.length === 0) return ['No differences.'];
  return differences.flatMap(({ part, name, change, fields = [] }) => [
    `${SIGNS[change]} ${part === 'traits' ? part : `${part} ${name}`}`,
    ...fields.flatMap(({ field, from, to }) => {
      const isText = part === 'template';
      const [before, after] = isText ? [from, to] : [toCatalogValue(from, field), toCatalogValue(to, field)];
      // The declared traits and properties themselves, without the words of the schema around them.
      return formatChange(part === 'traits' && field === 'properties' ? '' : toCatalogKey(field), before, after);
    }),
  ]);
}

/** Formats what differs between two values; null is an absent one. */
function formatChange(at: string, from: Json, to: Json): string[] {
  // The properties of an event are a schema, which has properties.
  const path = at.replace(/^properties\.properties\b/, 'properties');
  if (isObject(from) && isObject(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return keys
      .filter((key) => !isDeepStrictEqual(from[key], to[key]))
      .flatMap((key) => formatChange(path === '' ? key : `${path}.${key}`, from[key] ?? null, to[key] ?? null));
  }
  const [before, after] = [formatValue(from), formatValue(to)];
  if (before.length === 1 && after.length === 1 && before[0]!.length + after[0]!.length <= MAX_INLINE_CHARS) {
    return [`${INDENT}${path}: ${before[0]} → ${after[0]}`];
  }
  return [`${INDENT}${path}:`, ...formatLines(before, after).map((line) => `${INDENT}  ${line}`)];
}

/** Formats the lines that differ between two texts, without those at the beginning and the end that are the same. */
function formatLines(before: readonly string[], after: readonly string[]): string[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return [...mark('-', before, start, end), ...mark('+', after, start, end)];
}

function mark(sign: string, lines: readonly string[], start: number, end: number): string[] {
  const changed = lines.slice(start, lines.length - end);
  const shown = changed.slice(0, MAX_CHANGED_LINES).map((line) => `${sign} ${truncateText(line, MAX_LINE_CHARS)}`);
  const rest = changed.length - shown.length;
  return rest > 0 ? [...shown, `${sign} … and ${rest} more lines`] : shown;
}

/** Returns a value as lines, as a catalog writes it. */
function formatValue(value: Json): string[] {
  if (value === null || (Array.isArray(value) && value.length === 0)) return ['(none)'];
  if (typeof value === 'string') return value.replace(/\n$/, '').split('\n');
  if (!Array.isArray(value) && !isObject(value)) return [String(value)];
  if (Array.isArray(value) && !value.every((item) => typeof item !== 'object')) return value.flatMap(formatValue);
  return [stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: true }).trimEnd()];
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
