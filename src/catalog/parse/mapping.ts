import { parsePath } from '../../events/envelopes/path.ts';
import { type EventMapping, MAPPING_PARTS, type ObjectSource, type Source } from '../../model/mapping.ts';
import { type Fields, parseEntries, parseFilledFields, parseTexts } from './fields.ts';
import type { Entry, Text, YamlFile } from './yaml.ts';

const EXAMPLE = 'mapping: { user_id: { from: data.userId } }';
const FROM = '{ from: data.userId }';

/** Places in which one part is looked for. */
const MAX_PATHS = 8;

/** Names that envelopes have, by their plain form: one that is only written in another way is a mistake. */
const KNOWN_NAMES: ReadonlyMap<string, string> = new Map(
  ['data', 'metadata', 'aggregateId', 'aggregateType', 'eventType', 'source', 'subject'].map((name) => [
    toPlainName(name),
    name,
  ]),
);

/** Parses the field `mapping` of events.yaml, or of an event type in it; undefined without one. */
export function parseMapping(file: YamlFile, found: Fields): EventMapping | undefined {
  const entry = found.get('mapping');
  if (!entry) return undefined;
  const parts = parseFilledFields(file, entry.value, '"mapping"', MAPPING_PARTS, EXAMPLE);
  const mapping: { [part: string]: ObjectSource } = {};
  for (const [part, one] of parts) {
    const source = part === 'properties' || part === 'traits' ? parseObject(file, one) : parseSource(file, one);
    if (source) mapping[part] = source;
  }
  return mapping as EventMapping;
}

/** Parses `{ from: data }` for an object as a whole, or `{ amount: { from: data.total } }` for each of its members. */
function parseObject(file: YamlFile, entry: Entry): ObjectSource | undefined {
  const example = `${entry.key}: { from: data } or ${entry.key}: { amount: { from: data.total } }`;
  const { value } = entry;
  const isWhole =
    value.kind === 'map' && value.entries.some(({ key, value: one }) => key === 'from' && one.kind !== 'map');
  if (isWhole) return parseSource(file, entry);
  const fields: [string, Source][] = [];
  const entries = parseEntries(file, value, `"${entry.key}"`, example);
  if (entries.length === 0 && (value.kind === 'map' || value.kind === 'null')) {
    file.report(value.at, `"${entry.key}" is empty`, example);
  }
  for (const one of entries) {
    const source = parseSource(file, one);
    if (source) fields.push([one.key, source]);
  }
  return { fields: Object.fromEntries(fields) };
}

function parseSource(file: YamlFile, entry: Entry): Source | undefined {
  const what = `"${entry.key}"`;
  const from = parseFilledFields(file, entry.value, what, ['from'], `${entry.key}: ${FROM}`).get('from');
  if (!from) {
    if (entry.value.kind === 'map')
      file.report(entry.at, `${what} does not say where it comes from`, `${entry.key}: ${FROM}`);
    return undefined;
  }
  const texts = parseTexts(file, from.value, '"from"', FROM);
  if (texts.length > MAX_PATHS)
    file.report(from.at, `"from" has more than ${MAX_PATHS} paths`, 'keep those that occur');
  return { from: texts.map((text) => parsePathText(file, text)) };
}

function parsePathText(file: YamlFile, text: Text): string {
  const parsed = parsePath(text.text);
  if ('problem' in parsed) {
    file.report(
      text.offsetOf(parsed.offset),
      parsed.problem,
      'as in data.userId, data.items[0].sku or data["user id"]',
    );
    return text.text;
  }
  const first = String(parsed.steps[0]);
  const known = KNOWN_NAMES.get(toPlainName(first));
  if (known !== undefined && known !== first) {
    file.report(text.at, `no envelope has ${JSON.stringify(first)}`, `did you mean ${known}?`);
  }
  return text.text;
}

function toPlainName(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}
