import type { CatalogData, Rule, Variable } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import { ADDRESS_TRAITS, type JsonObject } from '../../model/event.ts';
import { getSentTypes } from '../../rules/compile/rule-set.ts';
import { COMMON_VARIABLES } from '../../templates/variables.ts';
import { LIFECYCLE_EVENTS } from '../lifecycle-events.ts';

/** One way in which a notification comes about, with the data that its templates can then show. */
export interface TemplateContext {
  readonly rule: Rule;
  /** JSON Schema of the data. A field that it does not name is never there, or nothing declares it. */
  readonly schema: JsonObject;
}

/**
 * Returns a function that lists the contexts of a notification on a channel: one for each rule that sends it there and each
 * event type that triggers the rule. The schemas mirror the data that `toTemplateData` of src/ingest/template-data.ts builds
 * and src/delivery/message-renderer.ts completes.
 */
export function templateContexts({
  events,
  traits,
  rules,
  notifications,
  variables = {},
  preferences,
}: CatalogData): (notification: string, channel: Channel) => TemplateContext[] {
  const schemas = new Map([...LIFECYCLE_EVENTS, ...events].map(({ name, properties }) => [name, properties]));
  const senders = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const name of getSentTypes(rule)) senders.set(name, [...(senders.get(name) ?? []), rule]);
  }
  const declared = traits?.properties as JsonObject | undefined;
  // Declared traits come first and win over built-in ones.
  const known = declared ? toObjectSchema({ ...declared, ...BUILT_IN_TRAITS, ...declared }) : ANY_SCHEMA;
  const getEventSchema = (type: string): JsonObject => {
    const schema = schemas.get(type);
    return schema ? { ...schema, type: 'object' } : ANY_SCHEMA;
  };

  const { frequency = {} } = preferences ?? {};
  const folded = new Set(
    notifications
      .filter(({ name, category }) => frequency[`t:${name}`] ?? frequency[`c:${category}`])
      .map(({ name }) => name),
  );
  const own = new Map(notifications.map((type) => [type.name, type.variables]));
  const listVariableSchemas = (notification: string): JsonObject => {
    const declared = { ...variables, ...own.get(notification) };
    const common = COMMON_VARIABLES.map((name) => [name, TEXT] as const);
    const schemas = Object.entries(declared).map(([name, { type }]) => [
      name,
      type ? VARIABLE_SCHEMAS[type] : ANY_SCHEMA,
    ]);
    return Object.fromEntries([...common, ...schemas]);
  };

  return (notification, channel) =>
    (senders.get(notification) ?? [])
      .filter(({ channels }) => channels?.includes(channel) ?? true)
      .flatMap((rule) =>
        listTriggerSchemas(rule).map((event) => ({ rule, schema: buildSchema(rule, event, notification) })),
      );

  /** Returns the schemas of the events that may trigger a rule. A scheduled rule has one without fields. */
  function listTriggerSchemas({ on, changes, every }: Rule): JsonObject[] {
    if (every) return [toObjectSchema({})];
    // An event of any type may change a trait.
    return [...on.map(getEventSchema), ...(changes ? [ANY_SCHEMA] : [])];
  }

  function buildSchema(rule: Rule, event: JsonObject, notification: string): JsonObject {
    const { after, data = {}, digest, every, split } = rule;
    const eventTraits = every ? toObjectSchema({}) : known;
    const names = [...Object.keys(data), ...(split ? ['variant'] : [])];
    // The items of a digest do not keep the events of the pattern.
    const matched = digest && !digest.firstNow ? [] : after.map((step) => step.event);
    const item = toObjectSchema({ event, traits: eventTraits, event_type: TEXT, event_id: TEXT, at: TEXT });
    return toObjectSchema({
      ...listVariableSchemas(notification),
      event,
      traits: eventTraits,
      user: known,
      context: ANY_SCHEMA,
      notification: NOTIFICATION,
      tenant: TENANT,
      ...(names.length > 0 && {
        data: toObjectSchema(Object.fromEntries(names.map((name) => [name, ANY_SCHEMA]))),
      }),
      ...(matched.length > 0 && {
        matched: toObjectSchema(Object.fromEntries(matched.map((type) => [type, getEventSchema(type)]))),
      }),
      ...((digest || folded.has(notification)) && { items: { type: 'array', items: item }, total: { type: 'number' } }),
    });
  }
}

/** Schemas of the types of variables that templates look into. */
const VARIABLE_SCHEMAS: { readonly [type in NonNullable<Variable['type']>]: JsonObject } = {
  ...{ string: { type: 'string' }, number: { type: 'number' }, boolean: { type: 'boolean' }, date: { type: 'string' } },
  ...{ object: {}, list: { type: 'array' } },
};

function toObjectSchema(properties: JsonObject): JsonObject {
  return { type: 'object', properties };
}

const ANY_SCHEMA: JsonObject = {};
const TEXT: JsonObject = { type: 'string' };
const NOTIFICATION = toObjectSchema({
  ...{ id: TEXT, type: TEXT, channel: TEXT, user_id: TEXT },
  ...{ event_type: TEXT, event_timestamp: TEXT },
});

const TENANT = toObjectSchema({ name: TEXT, branding: ANY_SCHEMA, variables: ANY_SCHEMA, asset_base_url: TEXT });

/** Traits that Tidings itself uses: users may have them even if the catalog does not declare them. */
export const BUILT_IN_TRAITS: JsonObject = Object.fromEntries(
  [...Object.keys(ADDRESS_TRAITS), 'time_zone', 'locale'].map((name) => [name, ANY_SCHEMA]),
);
