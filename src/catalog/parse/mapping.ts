import { parsePath } from '../../events/envelopes/path.ts';
import { type EventMapping, MAPPING_PARTS, type ObjectSource } from '../../model/mapping.ts';
import { type Fields, parseFilledFields } from './fields.ts';
import { type Places, parseFrom, parseObjectFrom } from './from-places.ts';
import type { Text, YamlFile } from './yaml.ts';

const EXAMPLE = 'mapping: { user_id: { from: data.userId } }';
const PATHS: Places = {
  example: '{ from: data.userId }',
  whole: 'data',
  member: 'data.total',
  noun: 'paths',
  read: parsePathText,
};

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
    const source =
      part === 'properties' || part === 'traits' ? parseObjectFrom(file, one, PATHS) : parseFrom(file, one, PATHS);
    if (source) mapping[part] = source;
  }
  return mapping as EventMapping;
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
