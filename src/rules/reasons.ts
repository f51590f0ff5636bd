import type { Evidence, Limit, Millis, Rule } from '../model.ts';
import type { LimitState } from './limits.ts';

/** Sentences that a support agent can read aloud. Each starts with what happened: "To be sent" or "Not sent". */

export function sentReason(rule: Rule, evidence: Evidence, states: readonly LimitState[]): string {
  const why: string[] = [];
  if (evidence.condition) why.push(`${evidence.condition.expression} holds`);
  if (rule.after && evidence.pattern?.matched) {
    why.push(
      `it happened within ${rule.after.withinText} after ${rule.after.event} on ${spoken(evidence.pattern.matched.at)}`,
    );
  }
  rule.limits.forEach((limit, index) => {
    const used = states[index]?.uses.length ?? 0;
    why.push(`the limit allows it (${used + 1} of ${counted(limit)})`);
  });
  return `To be sent: ${why.length > 0 ? sentence(why) : `${rule.on.join(' or ')} always triggers it`}.`;
}

export function limitReason(limit: Limit, state: LimitState): string {
  const latest = state.uses.at(-1);
  const when = latest ? ` on ${spoken(latest.at)}` : '';
  return `Not sent: already sent${when} (${state.uses.length} of ${counted(limit)}).`;
}

export function conditionReason(evidence: NonNullable<Evidence['condition']>): string {
  const { expression, values, missing = [], result, error } = evidence;
  if (result === 'error') return `Not sent: ${expression} could not be judged: ${error ?? 'it failed'}.`;
  const gaps = missing.map((field) => `${field} is missing`);
  if (result === 'field_missing') return `Not sent: the rule needs ${expression}, and ${sentence(gaps)}.`;
  const seen = Object.entries(values).map(([field, value]) => `${field} was ${inWords(value)}`);
  const all = [...seen, ...gaps];
  return `Not sent: the rule needs ${expression}${all.length > 0 ? `, and ${sentence(all)}` : ''}.`;
}

export function patternReason(rule: Rule, pattern: NonNullable<Evidence['pattern']>): string {
  return (
    `Not sent: no ${pattern.after} was known in the ${pattern.within} before it ` +
    `(from ${spoken(pattern.from)} to ${spoken(pattern.to)}); ${rule.name} needs one.`
  );
}

export function expiredReason(time: Millis, expired: NonNullable<Evidence['expired']>): string {
  return `Not sent: it happened on ${spoken(time)} and became known ${span(expired.late_by_ms)} later; the rule lets it expire after ${span(expired.expires_ms)}.`;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');

/** `31 October 2025 at 10:41 UTC`; seconds only where they say something. By hand: it is said for most decisions. */
export function spoken(time: Millis | string): string {
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

function inWords(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 59).toWellFormed()}…` : text;
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
