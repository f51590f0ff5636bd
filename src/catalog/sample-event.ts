import type { EventType, NotificationType, Rule } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel } from '../model/delivery.ts';
import type { AddressKind, Json, JsonObject, Millis } from '../model/event.ts';
import { DAY_MS } from '../time/iso-time.ts';

/** The parts of a catalog that a sample needs, as `GET /api/v1/catalog` returns them. */
export interface ShownCatalog {
  readonly events: readonly EventType[];
  readonly notifications: readonly Pick<NotificationType, 'name' | 'channels'>[];
  readonly rules: readonly ShownRule[];
}

interface ShownRule
  extends Pick<Rule, 'on' | 'notify' | 'when' | 'channels'>,
    Partial<Pick<Rule, (typeof DEFERRING_KEYS)[number]>> {
  readonly after: readonly unknown[];
}

/** An event to post, and the notification type to explain afterwards. */
export interface SampleEvent {
  readonly event: JsonObject;
  readonly notification: string;
}

/** The same time at each start, and as in the README: an event that is posted twice is then a duplicate. */
const DEFAULT_TIME: Millis = Date.parse('2025-10-31T19:00:00Z');

/** Keys of a rule that may keep it from sending immediately on a single event. */
const DEFERRING_KEYS = [
  'delay',
  'at',
  'unless',
  'debounce',
  'digest',
  'count',
  'expires',
  'choose',
  'split',
  'about',
] as const;

/**
 * Builds an event for the first rule that is triggered by an event and sends a notification; rules that most likely send
 * immediately are preferred. The event has the properties that its schema types or requires. Returns null if the catalog
 * has no such rule, or if no value can be guessed for a required property.
 *
 * @param at time of the event
 */
export function buildSampleEvent(
  { events, notifications, rules }: ShownCatalog,
  at: Millis = DEFAULT_TIME,
): SampleEvent | null {
  const samples = rules.flatMap((rule) => {
    const type = events.find(({ name }) => rule.on.includes(name));
    const notification = notifications.find(({ name }) => rule.notify.includes(name));
    if (!type || !notification) return [];
    const wanted = findWantedValues(rule.when ?? '');
    const properties = sampleObject(type.properties ?? {}, wanted.event, at);
    if (!properties) return [];
    const traits = { ...sampleAddresses(rule.channels ?? notification.channels), ...wanted.traits };
    const event: JsonObject = {
      user_id: 'u_1',
      event_type: type.name,
      event_timestamp: formatTime(at),
      ...(Object.keys(properties).length > 0 && { properties }),
      ...(Object.keys(traits).length > 0 && { user_traits: traits }),
    };
    const isImmediate =
      wanted.isComplete && rule.after.length === 0 && DEFERRING_KEYS.every((key) => rule[key] === undefined);
    return [{ event, notification: notification.name, isImmediate }];
  });
  const sample = samples.find(({ isImmediate }) => isImmediate) ?? samples[0];
  return sample ? { event: sample.event, notification: sample.notification } : null;
}

/** Returns an object that fits a schema; empty where no value can be guessed. @param at a time of the present */
export function sampleData(schema: JsonObject | undefined, at: Millis): JsonObject {
  return sampleObject(schema ?? {}, {}, at) ?? {};
}

export function sampleAddresses(channels: readonly Channel[]): JsonObject {
  const needs = (kind: AddressKind) => channels.some((channel) => CHANNEL_DESCRIPTORS[channel].addressKind === kind);
  return {
    ...(needs('email') && { email: 'maria@example.com' }),
    ...(needs('phone') && { phone: '+351910000000' }),
  };
}

interface WantedValues {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  /** Whether the condition holds with these values: every term of it was understood. */
  readonly isComplete: boolean;
}

const LITERAL = /"[^"\\]*"|'[^'\\]*'|-?\d+(?:\.\d+)?|true|false/.source;
const COMPARISON = new RegExp(
  `^(event|traits|user)\\.(\\w+)(?: *(==|>=|<=|>|<) *(${LITERAL})| +in +\\[ *(${LITERAL}).*\\])?$`,
);

/** Returns values that fulfill a condition, as far as it consists of comparisons joined by `&&`. */
function findWantedValues(condition: string): WantedValues {
  const wanted = { event: {} as JsonObject, traits: {} as JsonObject };
  let isComplete = true;
  for (const term of condition === '' ? [] : condition.split('&&')) {
    const match = COMPARISON.exec(term.trim());
    isComplete &&= match !== null;
    if (!match) continue;
    const [, root, field, operator, literal, first] = match as unknown as [
      string,
      string,
      string,
      ...(string | undefined)[],
    ];
    wanted[root === 'event' ? 'event' : 'traits'][field] = satisfyComparison(operator, literal ?? first);
  }
  return { ...wanted, isComplete };
}

function satisfyComparison(operator: string | undefined, literal: string | undefined): Json {
  if (literal === undefined) return true;
  const value = /^['"]/.test(literal) ? literal.slice(1, -1) : (JSON.parse(literal) as Json);
  if (typeof value !== 'number') return value;
  return operator === '>' ? value + 1 : operator === '<' ? value - 1 : value;
}

/**
 * Returns an object that fits the schema, without optional lists and objects; undefined if a required value cannot be
 * guessed.
 *
 * @param wanted values that take precedence
 */
function sampleObject(schema: JsonObject, wanted: JsonObject, at: Millis): JsonObject | undefined {
  const required = new Set((schema.required as string[] | undefined) ?? []);
  const types = (schema.properties as { readonly [name: string]: JsonObject } | undefined) ?? {};
  const sample: JsonObject = {};
  for (const name of new Set([...Object.keys(types), ...required])) {
    const value = wanted[name] ?? sampleValue(name, types[name] ?? { type: 'string' }, at);
    if (value === undefined && required.has(name)) return undefined;
    if (value === undefined || (typeof value === 'object' && !required.has(name))) continue;
    sample[name] = value;
  }
  return { ...sample, ...wanted };
}

function sampleValue(name: string, schema: JsonObject, at: Millis): Json | undefined {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum.find((value) => value !== null);
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  switch (type) {
    case 'boolean':
      return true;
    case 'integer':
      return clampToSchema(schema, 1);
    case 'number':
      return clampToSchema(schema, 20);
    case 'string':
      return sampleText(name, schema, at);
    case 'object':
      return sampleObject(schema, {}, at);
    case 'array': {
      const item = sampleValue(name, (schema.items as JsonObject | undefined) ?? {}, at);
      return item === undefined ? undefined : [item];
    }
    default:
      return undefined;
  }
}

function clampToSchema({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonObject, value: number): number {
  const lowest = Math.max(Number(minimum ?? -Infinity), Number(exclusiveMinimum ?? -Infinity) + 1);
  const highest = Math.min(Number(maximum ?? Infinity), Number(exclusiveMaximum ?? Infinity) - 1);
  return Math.min(Math.max(value, lowest), highest);
}

/** Times in a sample lie this long after the event, so that reminders of them are not past. */
const TIME_AHEAD_MS: Millis = 3 * DAY_MS;

const TEXT_BY_FORMAT: { readonly [format: string]: string } = {
  email: 'maria@example.com',
  uri: 'https://example.com/',
};

const TEXT_BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/(^|_)currency$/, 'EUR'],
  [/(^|_)country$/, 'PT'],
  [/(^|_)locale$/, 'en'],
  [/(^|_)time_?zone$/, 'Europe/Lisbon'],
  [/(^|_)url$/, 'https://example.com/'],
  [/(^|_)email$/, 'maria@example.com'],
  [/(^|_)name$/, 'Maria'],
];

function sampleText(
  name: string,
  { format, pattern, minLength = 0, maxLength = Infinity }: JsonObject,
  at: Millis,
): Json | undefined {
  if (format === 'date-time') return formatTime(at + TIME_AHEAD_MS);
  if (format === 'date') return formatTime(at + TIME_AHEAD_MS).slice(0, 'yyyy-mm-dd'.length);
  if (typeof format === 'string') return TEXT_BY_FORMAT[format];
  // No text is guessed for a pattern.
  if (pattern !== undefined) return undefined;
  const stem = /^(.+)_id$/.exec(name)?.[1];
  const text = stem ? `${stem}_1` : (TEXT_BY_NAME.find(([expected]) => expected.test(name))?.[1] ?? 'example');
  return text.padEnd(minLength as number, 'x').slice(0, maxLength as number);
}

function formatTime(time: Millis): string {
  return new Date(time).toISOString().replace(/\.\d+/, '');
}
