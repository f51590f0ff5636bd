import { joinWords } from '../lib/text/join-words.ts';
import { truncateText } from '../lib/text/truncate-text.ts';
import type { Limit, Rule } from '../model/catalog.ts';
import type { Evidence, WaitKind } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { LimitState } from './evaluate/limits.ts';
import type { Trigger, Wait } from './facts.ts';

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
  if (evidence.direct) why.push(requestedReason(evidence.direct, evidence.wait === undefined));
  if (evidence.condition) why.push(`${evidence.condition.expression} holds`);
  const [step] = rule.after;
  if (step && evidence.pattern?.matched) {
    why.push(`it happened within ${step.withinText} after ${step.event} on ${formatTime(evidence.pattern.matched.at)}`);
  }
  if (evidence.pattern?.steps) why.push(`it came after ${joinWords(evidence.pattern.steps.map((one) => one.event))}`);
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
    why.push(`the limit allows it (${used + 1} of ${formatLimit(limit)})`);
  });
  const verdict = types.length > 0 ? 'To be sent' : 'Actions performed';
  return `${verdict}: ${why.length > 0 ? joinWords(why) : `${rule.on.join(' or ')} always triggers it`}.`;
}

/** The reason why a notification is not sent: its plan drops all channels. @param text of the plan */
export function droppedReason(text: string): string {
  return `Not sent: ${text}.`;
}

/** Adds to the reason why a notification is sent that not all of its channels are used at once. @param text of the plan */
export function withPlan(reason: string, text: string): string {
  return `${reason} Not by all channels at once: ${text}.`;
}

const CONTENT: { readonly [content in NonNullable<Evidence['direct']>['content']]: string } = {
  template: '',
  request: ', with content of its own',
  provider_template: ', with a template that the provider keeps',
};

/** @param atOnce whether it did not wait: a time that it names is past */
function requestedReason({ content, scheduled, test }: NonNullable<Evidence['direct']>, atOnce: boolean): string {
  const past = scheduled && atOnce ? `; its time, ${formatTime(scheduled.at)}, was past` : '';
  if (test) return 'a request asked for it as a test of templates';
  return `a request asked for it directly${CONTENT[content]}${past}`;
}

export function expiredRequestReason(expiresAt: Millis): string {
  return `Not sent: the request let it expire on ${formatTime(expiresAt)}.`;
}

/** @param problems of the variables of one notification */
export function variablesReason(type: string, problems: readonly { readonly message: string }[]): string {
  const shown = problems.slice(0, MAX_NAMED_PROBLEMS).map(({ message }) => message);
  return `Failed: ${type} needs its variables: ${shown.join('; ')}${problems.length > shown.length ? '; …' : ''}.`;
}

const MAX_NAMED_PROBLEMS = 5;

const WAITED: { readonly [kind in WaitKind]: string } = {
  delay: 'the delay ended',
  at: 'it was due',
  unless: 'the time was up',
  debounce: 'it had been quiet long enough',
  digest: 'the window ended',
  every: 'it was due',
};

/** @param movedFrom when it, or the wait that it replaces, was due before */
export function waitingReason(rule: Rule, wait: Wait, movedFrom?: Millis): string {
  const { name } = rule;
  const until = `until ${formatTime(wait.dueAt)}`;
  if (movedFrom !== undefined) return `Moved: ${name} waits ${until} now; it was due on ${formatTime(movedFrom)}.`;
  switch (wait.kind) {
    case 'unless':
      return `Waiting: to be sent on ${formatTime(wait.dueAt)} unless ${rule.unless?.events.join(' or ') ?? 'an event that ends the wait'} happens.`;
    case 'debounce':
      return `Waiting: to be sent on ${formatTime(wait.dueAt)} if it stays quiet.`;
    default:
      return `Waiting ${until}.`;
  }
}

/** @param why the sentence that says why a rule does not send, after its colon if it has one */
export function migratedAwayReason({ name }: Rule, why: string): string {
  return `Cancelled by command: by the catalog version that it was moved to, ${name} would not wait: ${why.replace(/^Not sent: /, '')}`;
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

/** @param kept the open wait that stays as it is */
export function timeReason(rule: Rule, problem: MissedTimeCode, at?: Millis, kept?: Wait): string {
  const stays = kept ? ` What ${rule.name} waits for until ${formatTime(kept.dueAt)} stays as it is.` : '';
  return `Not sent: ${missedTime(rule, problem, at)}.${stays}`;
}

/** The reason why a wait ends when a trait has changed. */
export function lostTimeReason(rule: Rule, by: Happened, problem: MissedTimeCode, at?: Millis): string {
  return `Cancelled: by ${by.type} of ${formatTime(by.time)}, ${missedTime(rule, problem, at)}.`;
}

type MissedTimeCode = 'time_missing' | 'time_past';

/** A part of a sentence: that the rule has no time to wait for. */
export function missedTime(rule: Rule, problem: MissedTimeCode, at: Millis | undefined): string {
  const what =
    problem === 'time_missing'
      ? 'is missing or is not a time'
      : `was ${at === undefined ? 'past' : `on ${formatTime(at)}, which is past`}`;
  return `${rule.at?.text ?? 'its time'} ${what}`;
}

export function keyReason({ key }: Rule): string {
  return `Not sent: the key of the rule, ${key}, is missing.`;
}

export function stepsReason(rule: Rule): string {
  const steps = rule.after.map(({ event, withinText }) => `${event} (within ${withinText})`);
  return `Not sent: ${rule.name} needs ${steps.join(', then ')} before it, and they were not known in this order.`;
}

export function countReason(count: NonNullable<Evidence['count']>): string {
  return `Not sent: the rule needs ${count.needed} of ${joinWords(count.of, 'or')}, and ${count.counted} ${count.counted === 1 ? 'was' : 'were'} known (${count.window}).`;
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

export function tooCostlyReason({ name }: Rule): string {
  return `Failed: what ${name} does when its wait ends takes too much CPU time, because of the many events of the user.`;
}

export function tooMuchHistoryReason({ name }: Rule): string {
  return `Not decided: ${name} may have fired for this event before. So many events of the user fired rules since that not all of them can be looked at, and nothing is sent twice.`;
}

export function limitReason(limit: Limit, state: LimitState): string {
  const latest = state.uses.at(-1);
  const when = latest ? ` on ${formatTime(latest.at)}` : '';
  if (limit.throttle) return `Not sent: already sent${when}, and the throttle of the rule allows ${limit.text}.`;
  return `Not sent: already sent${when} (${state.uses.length} of ${formatLimit(limit)}).`;
}

export function conditionReason(evidence: NonNullable<Evidence['condition']>): string {
  const { expression, values, missing = [], result, error } = evidence;
  if (result === 'error') return `Not sent: ${expression} could not be evaluated: ${error ?? 'it failed'}.`;
  const gaps = missing.map((field) => `${field} is missing`);
  if (result === 'field_missing') return `Not sent: the rule needs ${expression}, and ${joinWords(gaps)}.`;
  const seen = Object.entries(values).map(([field, value]) => `${field} was ${formatValue(value)}`);
  const all = [...seen, ...gaps];
  return `Not sent: the rule needs ${expression}${all.length > 0 ? `, and ${joinWords(all)}` : ''}.`;
}

export function patternReason(rule: Rule, pattern: NonNullable<Evidence['pattern']>): string {
  return (
    `Not sent: no ${pattern.after} was known in the ${pattern.within} before it ` +
    `(from ${formatTime(pattern.from)} to ${formatTime(pattern.to)}); ${rule.name} needs one.`
  );
}

export function expiredReason(time: Millis, expired: NonNullable<Evidence['expired']>, waited: boolean): string {
  if (waited) {
    return `Not sent: it was due on ${formatTime(time)}, ${formatSpan(expired.late_by_ms)} ago; the rule lets it expire after ${formatSpan(expired.expires_ms)}.`;
  }
  return `Not sent: it happened on ${formatTime(time)} and became known ${formatSpan(expired.late_by_ms)} later; the rule lets it expire after ${formatSpan(expired.expires_ms)}.`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** `31 October 2025 at 10:41 UTC`; seconds only where they say something. By hand: it is said for most decisions. */
export function formatTime(time: Millis | string): string {
  const date = new Date(time);
  const clock = date.toISOString().slice(-13, date.getTime() % 60_000 === 0 ? -8 : -5);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()} at ${clock} UTC`;
}

/** `1 of once` does not read well: `1 ever`. */
function formatLimit(limit: Limit): string {
  return limit.text === 'once' ? '1 ever' : limit.text;
}

function formatValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return truncateText(text, 60);
}

function formatSpan(ms: Millis): string {
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
