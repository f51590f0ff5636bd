import type { CatalogData, Rule } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import { ADDRESS_TRAITS, type JsonObject } from '../../model/event.ts';
import { LIFECYCLE_EVENTS } from '../lifecycle-events.ts';
import { sentBy } from './findings.ts';

/** One way in which a notification is made, and what its templates then have to show. */
export interface TemplateContext {
  readonly rule: Rule;
  /** A JSON Schema: what it does not name is either never there, or nobody has said that it may be. */
  readonly schema: JsonObject;
}

/**
 * How a notification comes to a channel: by each rule that sends it, and each type of event that triggers the rule. What there
 * is to show is put together in `dataText` of src/ingest/decide-batch.ts and, at last, in src/delivery/executor.ts.
 */
export function templateContexts({
  events,
  traits,
  rules,
}: CatalogData): (notification: string, channel: Channel) => TemplateContext[] {
  const schemas = new Map([...LIFECYCLE_EVENTS, ...events].map(({ name, properties }) => [name, properties]));
  const senders = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const name of sentBy(rule)) senders.set(name, [...(senders.get(name) ?? []), rule]);
  }
  const declared = traits?.properties as JsonObject | undefined;
  // Those that are declared come first, and as they are declared.
  const known = declared ? object({ ...declared, ...OWN_TRAITS, ...declared }) : ANYTHING;
  const eventOf = (type: string): JsonObject => {
    const schema = schemas.get(type);
    return schema ? { ...schema, type: 'object' } : ANYTHING;
  };

  return (notification, channel) =>
    (senders.get(notification) ?? [])
      .filter(({ channels }) => channels?.includes(channel) ?? true)
      .flatMap((rule) => triggersOf(rule).map((event) => ({ rule, schema: shown(rule, event) })));

  /** The types of event that a rule may act on; without an event it still acts in one way. */
  function triggersOf({ on, changes, every }: Rule): JsonObject[] {
    if (every) return [object({})];
    // A trait may change with any event.
    return [...on.map(eventOf), ...(changes ? [ANYTHING] : [])];
  }

  function shown(rule: Rule, event: JsonObject): JsonObject {
    const { after, data = {}, digest, every, split } = rule;
    const own = every ? object({}) : known;
    const names = [...Object.keys(data), ...(split ? ['variant'] : [])];
    // What is collected keeps nothing of the patterns that it came by.
    const matched = digest && !digest.firstNow ? [] : after.map((step) => step.event);
    const item = object({ event, traits: own, event_type: TEXT, event_id: TEXT, at: TEXT });
    return object({
      event,
      traits: own,
      user: known,
      notification: NOTIFICATION,
      ...(names.length > 0 && { data: object(Object.fromEntries(names.map((name) => [name, ANYTHING]))) }),
      ...(matched.length > 0 && { matched: object(Object.fromEntries(matched.map((type) => [type, eventOf(type)]))) }),
      ...(digest && { items: { type: 'array', items: item }, total: { type: 'number' } }),
    });
  }
}

function object(properties: JsonObject): JsonObject {
  return { type: 'object', properties };
}

const ANYTHING: JsonObject = {};
const TEXT: JsonObject = { type: 'string' };
const NOTIFICATION = object({
  ...{ id: TEXT, type: TEXT, channel: TEXT, user_id: TEXT },
  ...{ event_type: TEXT, event_timestamp: TEXT },
});

/** Traits that mean something to Tidings itself: people may have them where the catalog does not say so. */
const OWN_TRAITS: JsonObject = Object.fromEntries(
  [...Object.keys(ADDRESS_TRAITS), 'time_zone', 'locale'].map((name) => [name, ANYTHING]),
);
