import { truncateText } from '../lib/truncate-text.ts';
import type { Limit, Rule } from '../model/catalog.ts';
import type { Evidence, WaitKind } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Trigger, Wait } from './facts.ts';
import type { LimitState } from './limits.ts';

type Happened = Pick<Trigger, 'type' | 'time'>;

// Sentences that a support agent can read aloud. Each starts with what happened: "To be sent", "Not sent", "Actions performed",
// "Waiting", "Moved", "Collected", "Cancelled", "Too late" or "Failed".

/** @param types the notifications it makes; none where the rule only acts */
export function sentReason(
  rule: Rule,
  types: readonly string[],
  evidence: Evidence,
  states: readonly LimitState[],
  limits: readonly Limit[],
  due?: Millis,
): string {
  const why: string[] = [];
  if (evidence.condition) why.push(`${evidence.condition.expression} holds`);
  const [step] = rule.after;
  if (step && evidence.pattern?.matched) {
    why.push(`it happened within ${step.withinText} after ${step.event} on ${formatTime(evidence.pattern.matched.at)}`);
  }
  if (evidence.pattern?.steps) why.push(`it came after ${sentence(evidence.pattern.steps.map((one) => one.event))}`);
  if (evidence.count) why.push(`${evidence.count.counted} were counted (${evidence.count.window})`);
  if (evidence.change) why.push(`${evidence.change.trait} became ${formatValue(evidence.change.to)}`);
  if (due !== undefined && evidence.wait) why.push(`${WAITED[evidence.wait.kind]} on ${formatTime(due)}`);
  if (rule.unless && evidence.wait) {
    const { events, atLeast, withinText, same } = rule.unless;
    const values = [rule.key, same].filter((one) => one !== undefined);
    const which = `${events.join(' or ')}${values.length > 0 ? ` with the same ${values.join(' and ')}` : ''}`;
    why.push(`there ${atLeast > 1 ? `were fewer than ${atLeast}` : 'was no'} ${which} within ${withinText}`);
  }
  if (evidence.digest && evidence.digest.total > 1) why.push(`${evidence.digest.total} were collected`);
  if (evidence.split) why.push(`the user is in the \`${evidence.split.variant}\` group (${evidence.split.share}%)`);
  limits.forEach((limit, index) => {
    const used = states[index]?.uses.length ?? 0;
    why.push(`the limit allows it (${used + 1} of ${counted(limit)})`);
  });
  const verdict = types.length > 0 ? 'To be sent' : 'Actions performed';
  return `${verdict}: ${why.length > 0 ? sentence(why) : `${rule.on.join(' or ')} always triggers it`}.`;
}

const WAITED: { readonly [kind in WaitKind]: string } = {
  delay: 'the delay ended',
  at: 'it was due',
  unless: 'the time was up',
  debounce: 'it had been quiet long enough',
  digest: 'the window ended',
  every: 'it was due',
};

export function waitingReason(rule: Rule, wait: Wait, movedFrom?: Wait): string {
  const { name } = rule;
  const until = `until ${formatTime(wait.dueAt)}`;
  if (movedFrom) return `Moved: ${name} waits ${until} now; it was due on ${formatTime(movedFrom.dueAt)}.`;
  switch (wait.kind) {
    case 'unless':
      return `Waiting: to be sent on ${formatTime(wait.dueAt)} unless ${rule.unless?.events.join(' or ') ?? 'an event that ends the wait'} happens.`;
    case 'debounce':
      return `Waiting: to be sent on ${formatTime(wait.dueAt)} if it stays quiet.`;
    default:
      return `Waiting ${until}.`;
  }
}

export function collectedReason(wait: Wait): string {
  const total = wait.state.total ?? 1;
  return `Collected: item ${total} of a digest that is due on ${formatTime(wait.dueAt)}.`;
}

export function alreadyWaitingReason({ name }: Rule, first: Wait): string {
  return `Not sent: ${name} was already waiting, since ${formatTime(first.triggerTime)}, until ${formatTime(first.dueAt)}.`;
}

export function supersededReason({ name }: Rule, by: Happened): string {
  return `Cancelled: ${by.type} of ${formatTime(by.time)} takes the place of the earlier event for ${name}.`;
}

export function cancelledReason({ name }: Rule, by: Happened): string {
  return `Cancelled: ${by.type} on ${formatTime(by.time)} ends what ${name} waits for.`;
}

export function cancelledByRuleReason({ name }: Rule, cancelled: string): string {
  return `Cancelled: the rule ${name} cancels what ${cancelled} has pending.`;
}

export function unlessEventReason(rule: Rule, by: Happened): string {
  const within = rule.unless?.withinText ?? '';
  const often = rule.unless && rule.unless.atLeast > 1 ? `, one of ${rule.unless.atLeast},` : '';
  return `Not sent: ${by.type} happened${often} on ${formatTime(by.time)}, within the ${within} that ${rule.name} waits.`;
}

export function tooLateReason(late: Trigger, fired: Wait): string {
  const ended = fired.endedAt === null ? '' : ` on ${formatTime(fired.endedAt)}`;
  const how = fired.state.fired ? 'it was sent' : 'its wait had ended';
  return `Too late: ${late.type} of ${formatTime(late.time)} became known after ${how}${ended}.`;
}

export function timeReason(rule: Rule, problem: 'time_missing' | 'time_past', at?: Millis): string {
  const what =
    problem === 'time_missing'
      ? 'is missing or is not a time'
      : `was ${at === undefined ? 'past' : `on ${formatTime(at)}, which is past`}`;
  return `Not sent: ${rule.at?.text ?? 'its time'} ${what}.`;
}

export function keyReason({ key }: Rule): string {
  return `Not sent: the key of the rule, ${key}, is missing.`;
}

export function stepsReason(rule: Rule): string {
  const steps = rule.after.map(({ event, withinText }) => `${event} (within ${withinText})`);
  return `Not sent: ${rule.name} needs ${steps.join(', then ')} before it, and they were not known in this order.`;
}

export function countReason(count: NonNullable<Evidence['count']>): string {
  return `Not sent: the rule needs ${count.needed} of ${count.of.join(' or ')}, and ${count.counted} ${count.counted === 1 ? 'was' : 'were'} known (${count.window}).`;
}

export function holdoutReason({ name, share }: { readonly name: string; readonly share: number }): string {
  return `Not sent: the user is in the \`${name}\` group (${share}%), which receives nothing.`;
}

export function branchReason({ name }: Rule): string {
  return `Not sent: no branch of ${name} applies.`;
}

export function loopReason({ name }: Rule, deepest: number): string {
  return `Failed: ${name} was triggered by ${deepest} emitted events in a row; Tidings stops such a loop.`;
}

export function limitReason(limit: Limit, state: LimitState): string {
  const latest = state.uses.at(-1);
  const when = latest ? ` on ${formatTime(latest.at)}` : '';
  if (limit.throttle) return `Not sent: already sent${when}, and the throttle of the rule allows ${limit.text}.`;
  return `Not sent: already sent${when} (${state.uses.length} of ${counted(limit)}).`;
}

export function conditionReason(evidence: NonNullable<Evidence['condition']>): string {
  const { expression, values, missing = [], result, error } = evidence;
  if (result === 'error') return `Not sent: ${expression} could not be evaluated: ${error ?? 'it failed'}.`;
  const gaps = missing.map((field) => `${field} is missing`);
  if (result === 'field_missing') return `Not sent: the rule needs ${expression}, and ${sentence(gaps)}.`;
  const seen = Object.entries(values).map(([field, value]) => `${field} was ${formatValue(value)}`);
  const all = [...seen, ...gaps];
  return `Not sent: the rule needs ${expression}${all.length > 0 ? `, and ${sentence(all)}` : ''}.`;
}

export function patternReason(rule: Rule, pattern: NonNullable<Evidence['pattern']>): string {
  return (
    `Not sent: no ${pattern.after} was known in the ${pattern.within} before it ` +
    `(from ${formatTime(pattern.from)} to ${formatTime(pattern.to)}); ${rule.name} needs one.`
  );
}

export function expiredReason(time: Millis, expired: NonNullable<Evidence['expired']>, waited: boolean): string {
  if (waited) {
    return `Not sent: it was due on ${formatTime(time)}, ${span(expired.late_by_ms)} ago; the rule lets it expire after ${span(expired.expires_ms)}.`;
  }
  return `Not sent: it happened on ${formatTime(time)} and became known ${span(expired.late_by_ms)} later; the rule lets it expire after ${span(expired.expires_ms)}.`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** `31 October 2025 at 10:41 UTC`; seconds only where they say something. By hand: it is said for most decisions. */
export function formatTime(time: Millis | string): string {
  const date = new Date(time);
  const clock = date.toISOString().slice(-13, date.getTime() % 60_000 === 0 ? -8 : -5);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} at ${clock} UTC`;
}

/** `1 of once` does not read well: `1 ever`. */
function counted(limit: Limit): string {
  return limit.text === 'once' ? '1 ever' : limit.text;
}

function sentence(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function formatValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return truncateText(text, 60);
}

function span(ms: Millis): string {
  const units: [number, string][] = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ];
  for (const [size, name] of units) {
    if (ms >= size) {
      const count = Math.floor(ms / size);
      return `${count} ${name}${count === 1 ? '' : 's'}`;
    }
  }
  return 'less than a second';
}

/** @param branch the place of the branch, from 1 on */
export function emptyBranchReason({ name }: Rule, branch: number): string {
  return `Not sent: branch ${branch} of ${name} applies, which sends nothing.`;
}
