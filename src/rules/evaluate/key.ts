import type { Expression } from '../../expressions/condition.ts';
import type { Event, Json } from '../../model/event.ts';
import { isAddressName, isMask, maskDeep } from '../../privacy/mask.ts';
import type { BoundLimit, CompiledRule } from '../compile/rule-set.ts';
import type { Ids } from '../facts.ts';
import { toLimitKey } from './limits.ts';

type EventContent = Pick<Event, 'properties' | 'traits'>;

/** Returns the rule's key in an event as text; empty for a rule without a key, undefined if the event lacks it. */
export function evaluateKey({ key }: CompiledRule, event: EventContent, ids: Ids): string | undefined {
  if (!key) return '';
  const value = evaluateOn(key, event);
  return value === undefined || value === null || value === '' ? undefined : toKeyText(value, ids, key);
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

/**
 * Returns a value as key text. Short plain text stays readable; any other value becomes a UUID of its content. Key texts are
 * stored and shown, so one with an address becomes its mask and a keyed hash: `m…@example.com #bB3x0-9sWq2KfR7u`. Different
 * values have different texts.
 * @param expression of the value; the name of its field may say that it is an address
 */
function toKeyText(value: Json, ids: Ids, expression?: Expression): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const masked = maskDeep(value, findAddressName(value, expression));
  if (masked !== value && JSON.stringify(masked) !== JSON.stringify(value)) {
    const shown =
      typeof masked === 'string' && masked.length <= MAX_MASK_CHARS && PLAIN.test(masked) ? `${masked} ` : '';
    return `${shown}#${ids.keyed(`key\n${text}`).slice(0, KEYED_HASH_CHARS)}`;
  }
  return text.length <= MAX_READABLE_CHARS && PLAIN.test(text) ? text : ids.fromText(text);
}

/** Returns the name of a field in the expression that says that the value is an address; empty if none does. */
function findAddressName(value: Json, expression: Expression | undefined): string {
  if (!expression || (typeof value !== 'string' && typeof value !== 'number') || isMask(value)) return '';
  for (const path of expression.paths) {
    for (const step of path) if (typeof step === 'string' && isAddressName(step, value)) return step;
  }
  return '';
}

const MAX_READABLE_CHARS = 128;
const MAX_MASK_CHARS = 100;
/** 96 bits: two values never have the same hash by chance. */
const KEYED_HASH_CHARS = 16;

/** Text without control characters and line separators: these separate the keys in packed lists. */
const PLAIN = /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u;

/** Returns the key under which a limit counts a firing: of the rule, of the rule and its key, or of the group. */
export function limitBucketKey({ limit, owner, perKey, key: withoutRuleKey }: BoundLimit, key: string): string {
  return perKey && key !== '' ? toLimitKey(`${owner} [${key}]`, limit) : withoutRuleKey;
}
