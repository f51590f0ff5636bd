import type { EventType } from '../../model/catalog.ts';
import type { JsonObject } from '../../model/event.ts';
import type { EventMapping } from '../../model/mapping.ts';
import { parseDescription, parseEntries, parseFields } from './fields.ts';
import { parseMapping } from './mapping.ts';
import { parseFullSchema, parseShortSchema } from './schema/parse-schema.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'payment_failed: { properties: { amount: number } }';

export interface ParsedEvents {
  readonly events: readonly EventType[];
  /** Schema of the user traits; absent if the catalog declares no traits. */
  readonly traits?: JsonObject;
  /** The places of the parts of CloudEvents and domain events; absent if the catalog does not say. */
  readonly mapping?: EventMapping;
}

/** Parses events.yaml: the event types and the traits of users. */
export function parseEvents(file: YamlFile): ParsedEvents {
  const example = `events: { ${EXAMPLE} }`;
  const top = parseFields(file, file.root!, 'events.yaml', ['traits', 'mapping', 'events'], example);
  const events = top.get('events');
  const traits = top.get('traits');
  const mapping = parseMapping(file, top);
  if (events === undefined && file.root?.kind === 'map') file.report(0, 'events.yaml has no "events"', example);
  const schema = traits && parseShortSchema(file, 'traits', traits.value);
  return {
    events: events
      ? parseEntries(file, events.value, '"events"', EXAMPLE).map((entry) => parseEventType(file, entry))
      : [],
    ...(schema && { traits: schema }),
    ...(mapping && { mapping }),
  };
}

function parseEventType(file: YamlFile, entry: Entry): EventType {
  const name = entry.key;
  const found = parseFields(
    file,
    entry.value,
    name,
    ['description', 'properties', 'required', 'schema', 'mapping'],
    EXAMPLE,
  );
  if (!/^[^\p{Cc}]{1,256}$/u.test(name)) {
    file.report(entry.at, 'an event type must have 1 to 256 characters and no control characters');
  }
  const schema = parseEventSchema(file, found);
  const mapping = parseMapping(file, found);
  return { name, ...parseDescription(file, found), ...(schema && { properties: schema }), ...(mapping && { mapping }) };
}

/** Returns the JSON Schema of the event's properties; undefined if nothing is declared, or if it has an error. */
function parseEventSchema(file: YamlFile, found: ReadonlyMap<string, Entry>): JsonObject | undefined {
  const [properties, required, schema] = [found.get('properties'), found.get('required'), found.get('schema')];
  if (schema) {
    const other = properties ?? required;
    if (other) file.report(other.at, `"${other.key}" and "schema" cannot be combined`, 'keep one of them');
    return parseFullSchema(file, schema.value);
  }
  if (properties) return parseShortSchema(file, 'properties', properties.value, required?.value);
  if (required) file.report(required.at, '"required" needs "properties"', 'properties: { amount: number }');
  return undefined;
}
