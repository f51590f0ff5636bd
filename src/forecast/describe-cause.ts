import type { ReceivedEvent } from '../events/envelope.ts';
import { DIRECT_RULE, TEST_RULE } from '../model/direct.ts';
import type { Millis } from '../model/event.ts';
import { getFoldedType } from '../model/frequency.ts';
import type { Wait } from '../rules/facts.ts';
import { formatTime } from '../rules/reasons.ts';
import type { UpcomingOccurrence } from './upcoming.ts';

/** Returns a sentence about what a wait is, and what it waits for. */
export function describeWait({ rule, kind, dueAt, triggerTime, state }: Wait): string {
  const due = formatTime(dueAt);
  if (rule === DIRECT_RULE || rule === TEST_RULE)
    return `A request of ${formatTime(triggerTime)} asked for it, to be sent on ${due}.`;
  const { trigger, total = 0 } = state;
  const items = `${total} ${total === 1 ? 'item' : 'items'}`;
  const folded = getFoldedType(rule);
  if (folded !== undefined) return `The user wants ${folded} in digests: this one has ${items}, and is due on ${due}.`;
  const of = `${trigger.type} of ${formatTime(triggerTime)}`;
  switch (kind) {
    case 'digest':
      return `${rule} collects ${trigger.type} since ${formatTime(state.first ?? triggerTime)}: ${items}, and the digest is due on ${due}.`;
    case 'unless':
      return `${rule} waits since ${of}, until ${due}, unless an event ends the wait.`;
    case 'debounce':
      return `${rule} waits since ${of}, until ${due}, if nothing further happens.`;
    default:
      return `${rule} waits since ${of}, until ${due}.`;
  }
}

/** Returns a sentence about an occurrence of a scheduled rule. */
export function describeOccurrence({ compiled: { rule }, due }: UpcomingOccurrence): string {
  return `${rule.name} is scheduled (every ${rule.every?.text ?? ''}), and runs on ${formatTime(due)}.`;
}

/** Returns a sentence about an event that a rule emits. */
export function describeEmitted({ type }: ReceivedEvent, at: Millis): string {
  return `A rule causes ${type} on ${formatTime(at)}.`;
}
