import type { EventType, NotificationType, Rule } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import type { Json, JsonObject, Millis } from '../model/event.ts';

/** What is asked of a catalog, as `GET /api/v1/catalog` answers it. */
export interface ShownCatalog {
  readonly events: readonly EventType[];
  readonly notifications: readonly Pick<NotificationType, 'name' | 'channels'>[];
  readonly rules: readonly ShownRule[];
}

interface ShownRule
  extends Pick<Rule, 'on' | 'notify' | 'when' | 'channels'>,
    Partial<Pick<Rule, (typeof SLOW)[number]>> {
  readonly after: readonly unknown[];
}

/** Something to post, and the notification to ask about afterwards. */
export interface SampleEvent {
  readonly event: JsonObject;
  readonly notification: string;
}

/** The same at each start, as in the README: what is posted twice is a repeat. */
const USUALLY = Date.parse('2025-10-31T19:00:00Z');

/** What keeps a rule from sending at once, for one event alone. */
const SLOW = ['delay', 'at', 'unless', 'debounce', 'digest', 'count', 'expires', 'choose', 'split', 'about'] as const;

/**
 * An event for the first rule that an event triggers and that notifies, with what its schema types or requires; one that
 * most likely sends at once goes before others. Null: the catalog has none, or none whose event can be guessed.
 *
 * @param at when it happens
 */
export function buildSampleEvent(
  { events, notifications, rules }: ShownCatalog,
  at: Millis = USUALLY,
): SampleEvent | null {
  const guesses = rules.flatMap((rule) => {
    const type = events.find(({ name }) => rule.on.includes(name));
    const notification = notifications.find(({ name }) => rule.notify.includes(name));
    if (!type || !notification) return [];
    const wishes = wishesOf(rule.when ?? '');
    const properties = sampleObject(type.properties ?? {}, wishes.event, at);
    if (!properties) return [];
    const traits = { ...addresses(rule.channels ?? notification.channels), ...wishes.traits };
    const event: JsonObject = {
      user_id: 'u_1',
      event_type: type.name,
      event_timestamp: timeText(at),
      ...(Object.keys(properties).length > 0 && { properties }),
      ...(Object.keys(traits).length > 0 && { user_traits: traits }),
    };
    const isPlain = wishes.understood && rule.after.length === 0 && SLOW.every((key) => rule[key] === undefined);
    return [{ event, notification: notification.name, isPlain }];
  });
  const guess = guesses.find(({ isPlain }) => isPlain) ?? guesses[0];
  return guess ? { event: guess.event, notification: guess.notification } : null;
}

function addresses(channels: readonly Channel[]): JsonObject {
  return {
    ...(channels.includes('email') && { email: 'maria@example.com' }),
    ...(channels.includes('sms') && { phone: '+351910000000' }),
  };
}

interface Wishes {
  readonly event: JsonObject;
  readonly traits: JsonObject;
  /** Nothing else is in the condition. */
  readonly understood: boolean;
}

const LITERAL = /"[^"\\]*"|'[^'\\]*'|-?\d+(?:\.\d+)?|true|false/.source;
const COMPARED = new RegExp(
  `^(event|traits|user)\\.(\\w+)(?: *(==|>=|<=|>|<) *(${LITERAL})| +in +\\[ *(${LITERAL}).*\\])?$`,
);

/** Values with which a condition holds, where it is comparisons with `&&` between them. */
function wishesOf(condition: string): Wishes {
  const wishes = { event: {} as JsonObject, traits: {} as JsonObject };
  let understood = true;
  for (const term of condition === '' ? [] : condition.split('&&')) {
    const match = COMPARED.exec(term.trim());
    understood &&= match !== null;
    if (!match) continue;
    const [, of, field, operator, literal, first] = match as unknown as [
      string,
      string,
      string,
      ...(string | undefined)[],
    ];
    wishes[of === 'event' ? 'event' : 'traits'][field] = satisfying(operator, literal ?? first);
  }
  return { ...wishes, understood };
}

function satisfying(operator: string | undefined, literal: string | undefined): Json {
  if (literal === undefined) return true;
  const value = /^['"]/.test(literal) ? literal.slice(1, -1) : (JSON.parse(literal) as Json);
  if (typeof value !== 'number') return value;
  return operator === '>' ? value + 1 : operator === '<' ? value - 1 : value;
}

/** Undefined: it requires something that cannot be guessed. Lists and objects that may be left out are. */
function sampleObject(schema: JsonObject, wishes: JsonObject, at: Millis): JsonObject | undefined {
  const required = new Set((schema.required as string[] | undefined) ?? []);
  const types = (schema.properties as { readonly [name: string]: JsonObject } | undefined) ?? {};
  const made: JsonObject = {};
  for (const name of new Set([...Object.keys(types), ...required])) {
    const value = wishes[name] ?? sampleOf(name, types[name] ?? { type: 'string' }, at);
    if (value === undefined && required.has(name)) return undefined;
    if (value === undefined || (typeof value === 'object' && !required.has(name))) continue;
    made[name] = value;
  }
  return { ...made, ...wishes };
}

function sampleOf(name: string, schema: JsonObject, at: Millis): Json | undefined {
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum.find((value) => value !== null);
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  switch (type) {
    case 'boolean':
      return true;
    case 'integer':
      return within(schema, 1);
    case 'number':
      return within(schema, 20);
    case 'string':
      return sampleText(name, schema, at);
    case 'object':
      return sampleObject(schema, {}, at);
    case 'array': {
      const item = sampleOf(name, (schema.items as JsonObject | undefined) ?? {}, at);
      return item === undefined ? undefined : [item];
    }
    default:
      return undefined;
  }
}

function within({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonObject, usual: number): number {
  const lowest = Math.max(Number(minimum ?? -Infinity), Number(exclusiveMinimum ?? -Infinity) + 1);
  const highest = Math.min(Number(maximum ?? Infinity), Number(exclusiveMaximum ?? Infinity) - 1);
  return Math.min(Math.max(usual, lowest), highest);
}

/** What an event speaks of is yet to come: some days after it. */
const AHEAD: Millis = 3 * 86_400_000;

const FORMATS: { readonly [format: string]: string } = {
  email: 'maria@example.com',
  uri: 'https://example.com/',
};

const TEXTS: readonly (readonly [RegExp, string])[] = [
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
  if (format === 'date-time') return timeText(at + AHEAD);
  if (format === 'date') return timeText(at + AHEAD).slice(0, 'yyyy-mm-dd'.length);
  if (typeof format === 'string') return FORMATS[format];
  const stem = /^(.+)_id$/.exec(name)?.[1];
  const text = stem ? `${stem}_1` : (TEXTS.find(([of]) => of.test(name))?.[1] ?? 'example');
  // A pattern is not guessed.
  return pattern === undefined ? text.padEnd(minLength as number, 'x').slice(0, maxLength as number) : undefined;
}

function timeText(time: Millis): string {
  return new Date(time).toISOString().replace(/\.\d+/, '');
}
