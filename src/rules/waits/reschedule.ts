import { DIRECT_RULE } from '../../model/direct.ts';
import type { Json } from '../../model/event.ts';
import { findRuleOfWait } from '../compile/compile-direct.ts';
import type { DecisionContext } from '../context.ts';
import type { Trigger } from '../facts.ts';
import { findDueTime } from './due-time.ts';
import { addMoved } from './moved.ts';
import { updateWait } from './wait.ts';

/**
 * Moves what was asked for directly and is still scheduled to the time that the event says; one that is past is left to the
 * timer, which sends it at once. Adds a decision; none if there is no such open wait: then it came too late.
 */
export function rescheduleWait(ctx: DecisionContext, event: Trigger): void {
  const { notification_id: id, scheduled_at: at } = event.properties;
  const wait = ctx.user.waits.get(String(id));
  if (wait?.rule !== DIRECT_RULE || wait.status !== 'waiting') return;
  const compiled = findRuleOfWait(ctx.rules.at(wait.catalogVersion), wait);
  const { trigger } = wait.state;
  const moved = { ...trigger, properties: { ...trigger.properties, scheduled_at: at as Json } };
  const due = compiled && findDueTime(ctx.user, compiled, { trigger: moved })?.due;
  if (!compiled || due === undefined) return;
  const from = wait.dueAt;
  updateWait(ctx, wait, due, { ...wait.state, trigger: moved });
  addMoved(ctx, compiled, wait, from, event);
}
