import { truncateText } from '../lib/text/truncate-text.ts';
import type { Decision, Evidence } from '../model/decision.ts';
import type { Json, Millis } from '../model/event.ts';
import { maskDocument } from '../privacy/mask.ts';
import type { SimulationStep } from './simulator.ts';

/** One line of a timeline, in parts, so that the caller can color them. */
export interface TimelineLine {
  readonly at: string;
  readonly user: string;
  /** `event`, `wait`, `schedule`; below it, the outcome of each decision. */
  readonly mark: string;
  readonly text: string;
  /** True for a decision, which belongs to the line above. */
  readonly indent: boolean;
}

/** Returns the lines of a step: the cause, and below it the decisions. */
export function toTimeline({ at, userId, cause, decisions }: SimulationStep): TimelineLine[] {
  const line = (mark: string, text: string, indent = false) => ({
    at: formatMinute(at),
    user: userId,
    mark,
    text,
    indent,
  });
  let first: TimelineLine;
  if (cause.kind === 'event') {
    const { type, time, properties, traits, depth } = cause.event;
    const parts = [type];
    if (Object.keys(properties).length > 0) parts.push(short(properties));
    if (Object.keys(traits).length > 0) parts.push(`traits ${short(traits)}`);
    if (depth !== undefined) parts.push('(emitted)');
    if (time !== at) parts.push(`of ${formatMinute(time)}`);
    first = line('event', parts.join(' '));
  } else if (cause.kind === 'wait') {
    const { rule, key, kind, triggerTime, dueAt } = cause.wait;
    const late = dueAt === at ? '' : `, due ${formatMinute(dueAt)}`;
    first = line('wait', `${rule}${key && ` [${key}]`} ends: ${kind} since ${formatMinute(triggerTime)}${late}`);
  } else {
    first = line('schedule', `${cause.rule}: ${cause.localTimeKey}`);
  }
  return [first, ...decisions.map((decision) => line(decision.outcome, decisionText(decision), true))];
}

/** Formats a time as `2025-11-03T09:00Z`, with seconds and milliseconds only if they are not zero. */
export function formatMinute(time: Millis): string {
  const text = new Date(time).toISOString();
  return text.endsWith(':00.000Z') ? `${text.slice(0, -8)}Z` : text.replace('.000Z', 'Z');
}

/** Returns a line of a timeline as plain text. */
export function plainLine({ at, user, mark, text, indent }: TimelineLine): string {
  return indent ? `${' '.repeat(19)}${mark.padEnd(12)} ${text}` : `${at.padEnd(18)} ${user}  ${mark} ${text}`;
}

export function decisionText({ notification_type, rule, reason_code, reason }: Decision): string {
  return `${notification_type}${rule === notification_type ? '' : ` (${rule})`} ${reason_code}: ${reason}`;
}

/** Returns the evidence, one line per part. */
export function evidenceLines(evidence: Evidence): string[] {
  return Object.entries(evidence).map(([part, seen]) => `${part}: ${short(seen, 300)}`);
}

/** @param value JSON; addresses in it are masked */
function short(value: unknown, most = 120): string {
  return truncateText(JSON.stringify(maskDocument(value as Json)), most);
}
