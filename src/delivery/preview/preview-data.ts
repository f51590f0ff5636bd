import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { sampleAddresses, sampleData } from '../../catalog/sample-event.ts';
import type { NotificationType, Variable } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import { type CompiledRule, getSentTypes } from '../../rules/compile/rule-set.ts';
import { evaluateAll } from '../../rules/firing/values.ts';
import { isoTime } from '../../time/iso-time.ts';

/** Data that a caller has for a preview; anything else is a sample by the schemas of the catalog. */
export interface PreviewInput {
  /** An event, as it was posted. */
  readonly event?:
    | {
        readonly event_type?: string | undefined;
        readonly properties?: JsonObject | undefined;
        readonly user_traits?: JsonObject | undefined;
      }
    | undefined;
  /** Traits of the profile of a user. */
  readonly traits?: JsonObject | undefined;
  readonly userId?: string | undefined;
  readonly variables?: JsonObject | undefined;
}

/** Items of the digest of a preview. */
const SAMPLE_ITEMS = 2;

/**
 * Returns the data of a template as a rule gives it: of the rule that sends the type on this event, or else of the first one
 * that sends it. Variables that it does not give are samples as well, unless the caller brings the event.
 */
export function buildPreviewData(
  { data: catalog, rules }: Pick<Catalog, 'data' | 'rules'>,
  type: NotificationType,
  channel: Channel,
  input: PreviewInput,
  now: Millis,
): JsonObject {
  const senders = [...rules.byName.values()].filter(({ rule }) => getSentTypes(rule).has(type.name));
  const wanted = input.event?.event_type;
  const compiled = senders.find(({ rule }) => wanted !== undefined && rule.on.includes(wanted)) ?? senders[0];
  const eventType = wanted ?? compiled?.rule.on[0];
  const schemaOf = (name: string | undefined) => catalog.events.find((one) => one.name === name)?.properties;
  const event = input.event?.properties ?? sampleData(schemaOf(eventType), now);
  const sampleTraits = { ...sampleData(catalog.traits, now), ...sampleAddresses([channel]) };
  const user = input.traits ?? { ...sampleTraits, ...input.event?.user_traits };
  const traits = input.event?.user_traits ?? (input.event ? {} : user);
  const matched = Object.fromEntries(
    (compiled?.rule.after ?? []).map((step) => [step.event, sampleData(schemaOf(step.event), now)]),
  );
  const scope = { event, traits, user, context: undefined, matched, now };
  const values = compiled ? evaluateAll(compiled.data, scope) : {};
  const at = isoTime(now);
  const item = { event, traits, event_type: eventType ?? '', event_id: 'preview', at };
  return {
    event,
    traits,
    user,
    ...(compiled?.rule.after.length ? { matched } : {}),
    ...(Object.keys(values).length > 0 ? { data: values } : {}),
    ...(compiled?.rule.digest ? { items: Array(SAMPLE_ITEMS).fill(item), total: SAMPLE_ITEMS } : {}),
    variables: {
      ...(input.event ? {} : sampleVariables(type, now)),
      ...evaluateVariables(compiled?.variables, scope),
      ...input.variables,
    },
    notification: {
      ...{ id: 'preview', type: type.name, channel, user_id: input.userId ?? 'u_1' },
      ...{ event_type: eventType ?? '', event_timestamp: at },
    },
  };
}

/** Returns the types of events on which a rule sends a notification type. */
export function listSendingEvents({ rules }: Pick<Catalog, 'rules'>, type: string): readonly string[] {
  const senders = [...rules.byName.values()].filter(({ rule }) => getSentTypes(rule).has(type));
  return [...new Set(senders.flatMap(({ rule }) => rule.on))];
}

function evaluateVariables(
  variables: CompiledRule['variables'] | undefined,
  scope: Parameters<typeof evaluateAll>[1],
): JsonObject {
  if (variables === undefined) return {};
  if (!('evaluate' in variables)) return evaluateAll(variables, scope);
  const { all } = evaluateAll([['all', variables]], scope);
  return typeof all === 'object' && all !== null && !Array.isArray(all) ? all : {};
}

/** Returns values for the required variables: those that have a default, or may be missing, are left as they are. */
function sampleVariables({ variables = {} }: NotificationType, now: Millis): JsonObject {
  const required = Object.entries(variables).filter(([, variable]) => variable.required);
  return Object.fromEntries(required.map(([name, { type = 'string' }]) => [name, toSample(name, type, now)]));
}

function toSample(name: string, type: NonNullable<Variable['type']>, now: Millis): Json {
  switch (type) {
    case 'list':
      return [];
    case 'object':
      return {};
    case 'date':
      return isoTime(now).slice(0, 'yyyy-mm-dd'.length);
    default:
      return sampleData({ properties: { [name]: { type } } }, now)[name] ?? '';
  }
}
