import type { Expression } from '../../expressions/condition.ts';
import type { Event, Millis } from '../../model/event.ts';
import { formatDate } from '../../time/calendar.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { evaluateKey, evaluateSame } from '../evaluate/key.ts';
import { isAbout } from '../evaluate/triggers.ts';
import type { Ids } from '../facts.ts';
import type { Grouping } from './known-events.ts';

/**
 * The way in which the events of a type are grouped for one rule. `same` is part of the identity: each step has an expression
 * of its own.
 */
interface GroupingOptions {
  /** Names the purpose, where two are grouped alike and must not share an index. */
  readonly purpose: string;
  readonly same: readonly (Expression | undefined)[];
  /** Whether to leave out what the rule's `about` does not accept. */
  readonly about?: boolean;
  /** Whether an event may be in a group at all, beside `about`. */
  readonly accepts?: (event: Event) => boolean;
  /** Whether the local day is a part of the name; the variant is the zone. */
  readonly byDay?: boolean;
}

const groupings = new WeakMap<CompiledRule, Map<string, Grouping>>();

/** Returns the grouping of a rule for a purpose. @param options the same each time for one rule and purpose */
export function getGrouping(compiled: CompiledRule, options: GroupingOptions): Grouping {
  let known = groupings.get(compiled);
  if (!known) {
    known = new Map();
    groupings.set(compiled, known);
  }
  let grouping = known.get(options.purpose);
  if (!grouping) {
    grouping = new RuleGrouping(compiled, options);
    known.set(options.purpose, grouping);
  }
  return grouping;
}

class RuleGrouping implements Grouping {
  readonly #compiled: CompiledRule;
  readonly #options: GroupingOptions;

  constructor(compiled: CompiledRule, options: GroupingOptions) {
    this.#compiled = compiled;
    this.#options = options;
  }

  nameOf(event: Event, ids: Ids, zone: string): string | undefined {
    const { same, about, accepts, byDay } = this.#options;
    if (about && !isAbout(this.#compiled.rule, event)) return undefined;
    if (accepts && !accepts(event)) return undefined;
    const name = nameGroup(this.#compiled, event, same, ids);
    return name === undefined || !byDay ? name : nameDay(name, event.time, zone);
  }
}

/**
 * Returns the key and the values of `same` in an event as one text, which events have in common if and only if they belong
 * together; undefined for an event that belongs to no other.
 */
export function nameGroup(
  compiled: CompiledRule,
  event: Pick<Event, 'properties' | 'traits'>,
  same: readonly (Expression | undefined)[],
  ids: Ids,
): string | undefined {
  const key = evaluateKey(compiled, event, ids);
  if (key === undefined) return undefined;
  let name = key;
  for (const expression of same) {
    const value = evaluateSame(expression, event, ids);
    if (value === undefined) return undefined;
    name += SEPARATOR + value;
  }
  return name;
}

/** Returns the name of the group of a day. @param name of the group without the day */
export function nameDay(name: string, time: Millis, zone: string): string {
  return name + SEPARATOR + formatDate(time, zone);
}

/** No part of a name has a control character: see `toKeyText`. */
export const SEPARATOR = '\n';
