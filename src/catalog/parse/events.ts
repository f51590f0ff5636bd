import type { EventType } from '../../model/catalog.ts';
import type { JsonObject } from '../../model/event.ts';
import { fullSchema, shortSchema } from '../schemas/schema.ts';
import { description, fields, named } from './fields.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'payment_failed: { properties: { amount: number } }';

export interface Events {
  readonly events: readonly EventType[];
  readonly traits?: JsonObject;
}

/** Reads events.yaml: `events` (what may arrive) and `traits` (what is known of people). */
export function readEvents(file: YamlFile): Events {
  const top = fields(file, file.root!, 'events.yaml', ['traits', 'events'], `events: { ${EXAMPLE} }`);
  const events = top.get('events');
  const traits = top.get('traits');
  if (events === undefined && file.root?.kind === 'map')
    file.problem(0, 'events.yaml has no "events"', `events: { ${EXAMPLE} }`);
  const schema = traits && shortSchema(file, 'traits', traits.value);
  return {
    events: events ? named(file, events.value, '"events"', EXAMPLE).map((entry) => readEventType(file, entry)) : [],
    ...(schema && { traits: schema }),
  };
}

function readEventType(file: YamlFile, entry: Entry): EventType {
  const name = entry.key;
  const found = fields(file, entry.value, name, ['description', 'properties', 'required', 'schema'], EXAMPLE);
  if (!/^[^\p{Cc}]{1,256}$/u.test(name)) {
    file.problem(entry.at, 'an event type has 1 to 256 characters, none of them a control character');
  }
  const schema = readSchema(file, found);
  return { name, ...description(file, found), ...(schema && { properties: schema }) };
}

function readSchema(file: YamlFile, found: ReadonlyMap<string, Entry>): JsonObject | undefined {
  const [properties, required, schema] = [found.get('properties'), found.get('required'), found.get('schema')];
  if (schema) {
    const other = properties ?? required;
    if (other) file.problem(other.at, `"${other.key}" and "schema" say the same thing`, 'keep one of them');
    return fullSchema(file, schema.value);
  }
  if (properties) return shortSchema(file, 'properties', properties.value, required?.value);
  if (required) file.problem(required.at, '"required" needs "properties"', 'properties: { amount: number }');
  return undefined;
}
