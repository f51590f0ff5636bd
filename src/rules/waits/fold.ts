/** Digests that users asked for: messages of a type that they want hourly, daily or weekly wait together. */

import type { JsonObject } from '../../model/event.ts';
import { MAX_FOLDED_ITEMS, toFoldKey, toFrequencyRule } from '../../model/frequency.ts';
import type { Fold } from '../../model/plan.ts';
import type { CompiledRule } from '../compile/rule-set.ts';
import { type DecisionContext, type Firing, findFirstWait } from '../context.ts';
import { readDirect } from '../direct.ts';
import { isBefore } from '../event-order.ts';
import type { DigestItem, Wait, WaitState } from '../facts.ts';
import { latestItems, toItem } from './items.ts';
import { newWait, toTrigger, updateWait } from './wait.ts';

/**
 * Adds a message to the open digest of its type and channels, or starts one. Returns the digest. One that is due already is
 * left alone: it is about to be sent.
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
