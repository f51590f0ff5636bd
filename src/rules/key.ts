import type { Expression } from '../expressions/condition.ts';
import type { Event, Json } from '../model/event.ts';
import type { Ids } from './facts.ts';
import { toLimitKey } from './limits.ts';
import type { BoundLimit, CompiledRule } from './rule-set.ts';

type EventContent = Pick<Event, 'properties' | 'traits'>;

/** Returns the rule's key in an event as text; empty for a rule without a key, undefined if the event lacks it. */
export function evaluateKey({ key }: CompiledRule, event: EventContent, ids: Ids): string | undefined {
  if (!key) return '';
  const value = evaluateOn(key, event);
  return value === undefined || value === null || value === '' ? undefined : toKeyText(value, ids);
}

/** Returns the value of an expression over one event; undefined when it is missing or cannot be computed. */
export function evaluateOn(expression: Expression, { properties, traits }: EventContent): Json | undefined {
  const result = expression.evaluate({ event: properties, traits, user: {} });
  return result.kind === 'value' ? result.value : undefined;
}

/** Returns whether two events have the same value of an expression. A missing value or null equals no other. */
export function haveSameValue(
  same: Expression | undefined,
  event: EventContent,
  other: EventContent,
  ids: Ids,
): boolean {
  if (!same) return true;
  const left = evaluateSame(same, event, ids);
  return left !== undefined && left === evaluateSame(same, other, ids);
}

/** Returns the value of `same` in an event as text; empty without `same`, undefined if the value is missing or null. */
export function evaluateSame(same: Expression | undefined, event: EventContent, ids: Ids): string | undefined {
  if (!same) return '';
  const value = evaluateOn(same, event);
  return value === undefined || value === null ? undefined : toKeyText(value, ids);
}

/** Short plain text stays readable; any other value becomes a UUID of its content. */
function toKeyText(value: Json, ids: Ids): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= MAX_READABLE_CHARS && PLAIN.test(text) ? text : ids.fromText(text);
}

const MAX_READABLE_CHARS = 128;

/** Text without control characters and line separators: these separate the keys in packed lists. */
const PLAIN = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

/** Returns the key under which a limit counts a firing: of the rule, of the rule and its key, or of the group. */
export function limitBucketKey({ limit, owner, perKey, key: withoutRuleKey }: BoundLimit, key: string): string {
  return perKey && key !== '' ? toLimitKey(`${owner} [${key}]`, limit) : withoutRuleKey;
}
