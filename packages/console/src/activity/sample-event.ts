import type { Catalog, CatalogRule, Json, JsonObject } from '../api.ts';

/** Of an event type that asks for nothing, so many of the properties it has. */
const SOME = 3;

/**
 * An event to begin with: one that the first rule listens to that needs no other event before it, or else the first with a
 * trigger. Undefined: there is none.
 */
export function sampleEvent(catalog: Catalog, now: Date): JsonObject | undefined {
  const rules = catalog.rules.toSorted((a, b) => Number(a.after.length > 0) - Number(b.after.length > 0));
  for (const rule of rules) {
    // What Tidings itself reports is not among the events of the catalog, and cannot be posted.
    const type = rule.on.find((each) => catalog.events.some(({ name }) => name === each));
    if (type === undefined) continue;
    const schema = objectOf(catalog.events.find(({ name }) => name === type)?.properties);
    return {
      user_id: 'u_1001',
      event_type: type,
      event_timestamp: now.toISOString(),
      properties: { ...properties(schema, now), ...wanted(rule, 'event') },
      user_traits: { email: 'maria@example.com', ...wanted(rule, 'traits'), ...wanted(rule, 'user') },
    };
  }
  return undefined;
}

function properties(schema: JsonObject, now: Date): JsonObject {
  const typed = objectOf(schema.properties);
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  const names = required.length > 0 ? required : Object.keys(typed).slice(0, SOME);
  return Object.fromEntries(names.map((name) => [name, sampleOf(objectOf(typed[name]), name, now)]));
}

function sampleOf(schema: JsonObject, name: string, now: Date): Json {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum) && schema.enum[0] !== undefined) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'number' || type === 'integer') return typeof schema.minimum === 'number' ? schema.minimum : 1;
  if (type === 'boolean') return true;
  if (type === 'array') return [];
  if (type === 'object') return properties(schema, now);
  if (schema.format === 'date-time') return now.toISOString();
  if (schema.format === 'date') return now.toISOString().slice(0, 10);
  return name;
}

/** What the condition of a rule compares with a plain value, so that the event is one it says yes to, where that is simple. */
function wanted({ when = '' }: CatalogRule, about: 'event' | 'traits' | 'user'): JsonObject {
  const found = when.matchAll(/\b(event|traits|user)\.(\w+) == (true|false|-?\d+(?:\.\d+)?|"[^"\\]*")/g);
  return Object.fromEntries(
    [...found]
      .filter(([, source]) => source === about)
      .map(([, , name = '', value = '']) => [name, JSON.parse(value) as Json]),
  );
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
