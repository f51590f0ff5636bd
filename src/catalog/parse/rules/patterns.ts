import type { Absence, After, Count, Zone } from '../../../model/catalog.ts';
import { type Fields, fields } from '../fields.ts';
import type { Entry, Tree } from '../yaml.ts';
import { comparable, parseValueField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

const AFTER = 'after: { event: signup_completed, within: 24h }';
const COUNT = 'count: { at_least: 5, within: 10m }';
const UNLESS = 'unless: { event: session_created, within: 7d }';
const MOST = 1000;

/** `after`: one earlier event, or several, each after the one before it. */
export function readAfter(c: RuleContext, found: Fields, triggers: readonly string[]): After[] {
  const entry = found.get('after');
  if (entry === undefined) return [];
  const steps: readonly Tree[] = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  if (steps.length === 0) c.problem(entry.value.at, '"after" is an empty list', AFTER);
  return steps.flatMap((value) => {
    // The step of a list is told where it stands.
    const step: Entry = entry.value.kind === 'list' ? { ...entry, at: value.at, value } : entry;
    const parts = fields(c.file, value, '"after"', ['event', 'within', 'same'], AFTER);
    c.need(step, parts, 'event', 'does not say which event', AFTER);
    c.need(step, parts, 'within', 'does not say how long', AFTER);
    const name = c.text(parts.get('event'), AFTER);
    const event = name && c.event(name);
    const span = c.span(parts.get('within'), AFTER);
    const same = readSame(c, parts, [...triggers, ...(event === undefined ? [] : [event])]);
    return event !== undefined && span ? [{ event, within: span.ms, withinText: span.text, ...same }] : [];
  });
}

const HOW = ['at_least', 'at_most', 'exactly'] as const;

/** `count`: how often something happened until the trigger. */
export function readCount(c: RuleContext, found: Fields, triggers: readonly string[], zone: Zone): Count | undefined {
  const entry = found.get('count');
  if (entry === undefined) return undefined;
  const parts = fields(c.file, entry.value, '"count"', [...HOW, 'within', 'since', 'of', 'same'], COUNT);
  if (entry.value.kind !== 'map') return undefined;
  const said = HOW.filter((how) => parts.has(how));
  if (said.length !== 1) {
    const message = said.length === 0 ? 'does not say how many' : `says ${said.join(' and ')}: one of them is needed`;
    c.problem(entry.at, `"count" ${message}`, COUNT);
  }
  const how = said[0];
  const n = how && c.whole(parts.get(how), how === 'at_least' ? 1 : 0, MOST);
  const window = readWindow(c, entry, parts, zone);
  const of = parts.has('of') ? c.someEvents(parts.get('of'), 'of: payment_failed') : triggers;
  if (of.length === 0 && !parts.has('of')) {
    c.problem(entry.at, '"count" does not say what is counted', 'of: payment_failed');
  }
  const same = readSame(c, parts, [...triggers, ...of]);
  return how && n !== undefined && window ? { of, how, n, window, ...same } : undefined;
}

function readWindow(c: RuleContext, entry: Entry, parts: Fields, zone: Zone): Count['window'] | undefined {
  const [within, since] = [parts.get('within'), parts.get('since')];
  if (within && since) c.problem(since.at, '"within" and "since" are both here', 'keep one of them');
  if (!within && !since) c.problem(entry.at, '"count" does not say how long', COUNT);
  if (since) {
    const text = c.text(since, 'since: signup_completed');
    return text && { kind: 'since', event: c.event(text), text: `since ${text.text}` };
  }
  if (within?.value.kind === 'text' && within.value.text.trim() === 'day') return { kind: 'day', zone, text: 'day' };
  const span = c.span(within, 'within: 10m; or within: day, the calendar day');
  return span && { kind: 'rolling', span: span.ms, text: span.text };
}

/** `unless`: what must not happen from the trigger on. */
export function readUnless(c: RuleContext, found: Fields, triggers: readonly string[]): Absence | undefined {
  const entry = found.get('unless');
  if (entry === undefined) return undefined;
  const parts = fields(c.file, entry.value, '"unless"', ['event', 'within', 'same', 'at_least'], UNLESS);
  c.need(entry, parts, 'event', 'does not say which event', UNLESS);
  c.need(entry, parts, 'within', 'does not say how long', UNLESS);
  const events = c.someEvents(parts.get('event'), UNLESS);
  const span = c.span(parts.get('within'), UNLESS);
  const atLeast = c.whole(parts.get('at_least'), 1, MOST) ?? 1;
  const same = readSame(c, parts, [...triggers, ...events]);
  return events.length > 0 && span ? { events, atLeast, within: span.ms, withinText: span.text, ...same } : undefined;
}

/** `same`: an expression over one event that must give the same for the other. */
function readSame(c: RuleContext, parts: Fields, types: readonly string[]): { same?: string } {
  const entry = parts.get('same');
  const example = 'same: event.card_id';
  const sight = { types: [...new Set(types)], roots: ['event'] as const };
  const same = entry && parseValueField(c, entry, sight, example, comparable);
  return same === undefined ? {} : { same };
}
