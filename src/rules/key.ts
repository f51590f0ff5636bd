import type { Expression } from '../expressions/condition.ts';
import type { Event, Json } from '../model/event.ts';
import type { Ids } from './facts.ts';
import { toLimitKey } from './limits.ts';
import type { BoundLimit, CompiledRule } from './rule-set.ts';

type EventContent = Pick<Event, 'properties' | 'traits'>;

/** The rule's key in an event, as text; empty for a rule without one, nothing when the event has none. */
export function evaluateKey({ key }: CompiledRule, event: EventContent, ids: Ids): string | undefined {
  if (!key) return '';
  const value = evaluateOn(key, event);
  return value === undefined || value === null || value === '' ? undefined : keyText(value, ids);
}

/** The value of an expression over one event; nothing when it has none. */
export function evaluateOn(expression: Expression, { properties, traits }: EventContent): Json | undefined {
  const result = expression.evaluate({ event: properties, traits, user: {} });
  return result.kind === 'value' ? result.value : undefined;
}

/** Two events agree in an expression; what either does not have agrees with nothing. */
export function haveSameValue(same: Expression | undefined, one: EventContent, other: EventContent, ids: Ids): boolean {
  if (!same) return true;
  const left = evaluateOn(same, one);
  const right = evaluateOn(same, other);
  if (left === undefined || left === null || right === undefined || right === null) return false;
  return keyText(left, ids) === keyText(right, ids);
}

/** Short plain text stays readable; anything else is named by what it holds. */
function keyText(value: Json, ids: Ids): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= 128 && PLAIN.test(text) ? text : ids.fromText(text);
}

/** No control characters and no line separators: keys stand in lists that are parted by them. */
const PLAIN = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

/** Where a limit counts: the sends of the rule, each key by itself, or those of a group. */
export function limitBucketKey({ limit, owner, perKey, key: keyless }: BoundLimit, key: string): string {
  return perKey && key !== '' ? toLimitKey(`${owner} [${key}]`, limit) : keyless;
}
