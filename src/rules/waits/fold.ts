/** Digests that users asked for: messages of a type that they want hourly, daily or weekly wait together. */

import type { JsonObject } from '../../model/event.ts';
import { getFoldedType, MAX_FOLDED_ITEMS, toFoldKey, toFrequencyRule } from '../../model/frequency.ts';
import type { Fold } from '../../model/plan.ts';
import { PREFERENCE_UPDATED } from '../../model/terms.ts';
import { findRuleOfWait } from '../compile/compile-direct.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { type DecisionContext, type Firing, findFirstWait, sortByDueTime } from '../context.ts';
import { readDirect } from '../direct.ts';
import { isBefore } from '../event-order.ts';
import type { DigestItem, Trigger, Wait, WaitState } from '../facts.ts';
import { planAgain } from '../firing/plan-types.ts';
import { latestItems, toItem } from './digest.ts';
import { addMoved } from './move-waits.ts';
import { newWait, toTrigger, updateWait } from './wait.ts';

/**
 * Adds a message to the open digest of its type and channels, or starts one. Returns the digest. One that is due already is left
 * alone: it is about to be sent.
 * @param variables of the message; absent: its rule gives none
 */
export function foldMessage(
  ctx: DecisionContext,
  { isDirect }: CompiledRule,
  firing: Firing,
  type: string,
  { channels, dueAt }: Fold,
  variables?: JsonObject,
): Wait {
  const { trigger, catalogVersion = ctx.rules.active.version } = firing;
  const about = { rule: toFrequencyRule(type), key: toFoldKey(channels) };
  const open = findFirstWait(ctx, about, (wait) => wait.status === 'waiting' && wait.dueAt > ctx.now);
  const added: readonly DigestItem[] = firing.items ?? [
    {
      ...toItem(isDirect ? { ...trigger, properties: readDirect(trigger).variables } : trigger),
      ...(variables && { variables }),
    },
  ];
  const { first = trigger.time, last = trigger.time, items = [], total = 0 } = open?.state ?? {};
  const state: WaitState = {
    trigger: open && isBefore(open.state.trigger, trigger) ? open.state.trigger : toTrigger(trigger),
    first: Math.min(first, trigger.time),
    last: Math.max(last, trigger.time),
    items: latestItems([...items, ...added], MAX_FOLDED_ITEMS),
    total: total + (firing.total ?? added.length),
  };
  if (open) {
    updateWait(ctx, open, open.dueAt, state);
    return open;
  }
  const { frequency } = ctx.rules.at(catalogVersion);
  const rule = frequency.of(about) as CompiledRule;
  // One trigger may fold several messages, of more than one source.
  const startedBy = { ...trigger, key: `${ctx.source} ${about.key}` };
  const wait = newWait(ctx, rule, { trigger: startedBy, key: about.key }, dueAt, state);
  // The type is that of the version that decided.
  wait.catalogVersion = catalogVersion;
  return wait;
}

/**
 * Moves the open digests of the user to when the next one is due now, after the user changed what they want or their zone. What the user
 * does not want as a digest any longer is due at once: the plan then sends it or drops it, and the decision says so.
 * @param changed names of the traits that the event changes
 */
export function moveFolded(ctx: DecisionContext, event: Trigger, changed: readonly string[]): void {
  if (event.type !== PREFERENCE_UPDATED && !changed.includes('time_zone')) return;
  const isOpen = ({ status, rule, dueAt }: Wait) =>
    status === 'waiting' && dueAt > ctx.now && getFoldedType(rule) !== undefined;
  for (const wait of sortByDueTime(ctx.user.waits.values(), isOpen)) {
    const compiled = findRuleOfWait(ctx.rules.at(wait.catalogVersion), wait);
    if (!compiled) continue;
    const from = wait.dueAt;
    const due = planAgain(ctx, compiled, wait)?.folds[0]?.dueAt ?? ctx.now;
    if (due === from) continue;
    updateWait(ctx, wait, due, wait.state);
    addMoved(ctx, compiled, wait, from, event);
  }
}
