import type { Event } from '../../model/event.ts';
import { compareByTime } from '../event-order.ts';
import type { Ids, KnownEvent, Trigger, UserState } from '../facts.ts';
import { evaluateKey, haveSameValue } from '../key.ts';
import type { CompiledRule } from '../rule-set.ts';

/** A known event with its content. */
export type FullEvent = KnownEvent & { readonly event: Event };

/**
 * Returns the known events of a type that belong to the trigger: with the same key of the rule and the same value of the
 * expression `same`. Excludes the trigger itself. In order of time. Empty when the trigger has no key and the rule needs one.
 */
export function findRelated(
  compiled: CompiledRule,
  user: UserState,
  trigger: Trigger,
  type: string,
  same: CompiledRule['sameCount'],
  ids: Ids,
): FullEvent[] {
  const key = evaluateKey(compiled, trigger, ids);
  if (key === undefined) return [];
  return (user.events.get(type) ?? [])
    .filter(
      (known): known is FullEvent =>
        known.event !== undefined &&
        known.key !== trigger.key &&
        evaluateKey(compiled, known.event, ids) === key &&
        haveSameValue(same, known.event, trigger, ids),
    )
    .sort(compareByTime);
}
