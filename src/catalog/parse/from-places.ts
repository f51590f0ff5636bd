import type { ObjectSource, Source } from '../../model/mapping.ts';
import { parseEntries, parseFilledFields, parseTexts } from './fields.ts';
import type { Entry, Text, YamlFile } from './yaml.ts';

/** Language in which a file says where a value comes from. */
export interface Places {
  /** A value as it is written: `{ from: data.userId }`. */
  readonly example: string;
  /** A whole object, and a value in it: `data`, `data.total`. */
  readonly whole: string;
  readonly member: string;
  /** Their name: paths. */
  readonly noun: string;
  /** Reads one of them, and reports what is wrong with it. */
  read(file: YamlFile, text: Text): string;
}

/** Places in which one value is looked for, at most. */
const MAX_PLACES = 8;

/** Parses `{ from: data }` for an object as a whole, or `{ amount: { from: data.total } }` for each of its members. */
export function parseObjectFrom(file: YamlFile, entry: Entry, places: Places): ObjectSource | undefined {
  const { value } = entry;
  const isWhole =
    value.kind === 'map' && value.entries.some(({ key, value: one }) => key === 'from' && one.kind !== 'map');
  if (isWhole) return parseFrom(file, entry, places);
  const { whole, member } = places;
  const example = `${entry.key}: { from: ${whole} } or ${entry.key}: { amount: { from: ${member} } }`;
  const entries = parseEntries(file, value, `"${entry.key}"`, example);
  if (entries.length === 0 && (value.kind === 'map' || value.kind === 'null')) {
    file.report(value.at, `"${entry.key}" is empty`, example);
  }
  const fields: [string, Source][] = [];
  for (const one of entries) {
    const source = parseFrom(file, one, places);
    if (source) fields.push([one.key, source]);
  }
  return { fields: Object.fromEntries(fields) };
}

/** Parses `{ from: data.userId }`, with one place or a list of them. */
export function parseFrom(file: YamlFile, entry: Entry, { example, noun, read }: Places): Source | undefined {
  const what = `"${entry.key}"`;
  const from = parseFilledFields(file, entry.value, what, ['from'], `${entry.key}: ${example}`).get('from');
  if (!from) {
    if (entry.value.kind === 'map')
      file.report(entry.at, `${what} does not say where it comes from`, `${entry.key}: ${example}`);
    return undefined;
  }
  const texts = parseTexts(file, from.value, '"from"', example);
  if (texts.length > MAX_PLACES)
    file.report(from.at, `"from" has more than ${MAX_PLACES} ${noun}`, 'keep those that occur');
  return { from: texts.map((text) => read(file, text)) };
}
