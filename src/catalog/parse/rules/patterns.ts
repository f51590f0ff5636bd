import { joinWords } from '../../../lib/text/join-words.ts';
import type { Absence, After, Count, Zone } from '../../../model/catalog.ts';
import { type Fields, parseFilledFields } from '../fields.ts';
import type { Entry, Tree } from '../yaml.ts';
import { comparable, parseValueField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

const AFTER_EXAMPLE = 'after: { event: signup_completed, within: 24h }';
const COUNT_EXAMPLE = 'count: { at_least: 5, within: 10m }';
const UNLESS_EXAMPLE = 'unless: { event: session_created, within: 7d }';
const MAX_COUNT = 1000;

/** Parses `after`: one earlier event, or a list of which each precedes the next. */
export function parseAfter(ctx: RuleContext, found: Fields, triggers: readonly string[]): After[] {
  const entry = found.get('after');
  if (entry === undefined) return [];
  const steps: readonly Tree[] = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  if (steps.length === 0) ctx.report(entry.value.at, '"after" is an empty list', AFTER_EXAMPLE);
  return steps.flatMap((value) => {
    // A missing key of a step in a list is reported at the step.
    const step: Entry = entry.value.kind === 'list' ? { ...entry, at: value.at, value } : entry;
    const parts = parseFilledFields(ctx.file, value, '"after"', ['event', 'within', 'same'], AFTER_EXAMPLE);
    ctx.requireKey(step, parts, 'event', AFTER_EXAMPLE);
    ctx.requireKey(step, parts, 'within', AFTER_EXAMPLE);
    const name = ctx.parseText(parts.get('event'), AFTER_EXAMPLE);
    const event = name && ctx.parseEvent(name);
    const span = ctx.parseSpan(parts.get('within'), AFTER_EXAMPLE);
    const same = parseSame(ctx, parts, [...triggers, ...(event === undefined ? [] : [event])]);
    return event !== undefined && span ? [{ event, within: span.ms, withinText: span.text, ...same }] : [];
  });
}

const COMPARISONS = ['at_least', 'at_most', 'exactly'] as const;

/** Parses `count`: a bound on how often events happened up to the trigger. */
export function parseCount(
  ctx: RuleContext,
  found: Fields,
  triggers: readonly string[],
  zone: Zone,
): Count | undefined {
  const entry = found.get('count');
  if (entry === undefined) return undefined;
  const keys = [...COMPARISONS, 'within', 'since', 'of', 'same'];
  const parts = parseFilledFields(ctx.file, entry.value, '"count"', keys, COUNT_EXAMPLE);
  if (entry.value.kind !== 'map') return undefined;
  const written = COMPARISONS.filter((how) => parts.has(how));
  if (written.length === 0) ctx.report(entry.at, '"count" needs at_least, at_most or exactly', COUNT_EXAMPLE);
  if (written.length > 1) ctx.report(entry.at, `"count" has ${joinWords(written)}: keep one of them`, COUNT_EXAMPLE);
  const how = written[0];
  const n = how && ctx.parseInteger(parts.get(how), how === 'at_least' ? 1 : 0, MAX_COUNT);
  const window = parseCountWindow(ctx, entry, parts, zone);
  const of = parts.has('of') ? ctx.parseEvents(parts.get('of'), 'of: payment_failed') : triggers;
  if (of.length === 0 && !parts.has('of')) {
    ctx.report(entry.at, '"count" needs "of" in a rule without a trigger event', 'of: payment_failed');
  }
  const same = parseSame(ctx, parts, [...triggers, ...of]);
  return how && n !== undefined && window ? { of, how, n, window, ...same } : undefined;
}

function parseCountWindow(ctx: RuleContext, entry: Entry, parts: Fields, zone: Zone): Count['window'] | undefined {
  const [within, since] = [parts.get('within'), parts.get('since')];
  if (within && since) ctx.report(since.at, '"within" and "since" cannot be combined', 'keep one of them');
  if (!within && !since) ctx.report(entry.at, '"count" needs within or since', COUNT_EXAMPLE);
  if (since) {
    const text = ctx.parseText(since, 'since: signup_completed');
    return text && { kind: 'since', event: ctx.parseEvent(text), text: `since ${text.text}` };
  }
  if (within?.value.kind === 'text' && within.value.text.trim() === 'day') return { kind: 'day', zone, text: 'day' };
  const span = ctx.parseSpan(within, 'within: 10m; or within: day, the calendar day');
  return span && { kind: 'rolling', span: span.ms, text: span.text };
}

/** Parses `unless`: events that must not happen within a time after the trigger. */
export function parseUnless(ctx: RuleContext, found: Fields, triggers: readonly string[]): Absence | undefined {
  const entry = found.get('unless');
  if (entry === undefined) return undefined;
  const parts = parseFilledFields(
    ctx.file,
    entry.value,
    '"unless"',
    ['event', 'within', 'same', 'at_least'],
    UNLESS_EXAMPLE,
  );
  ctx.requireKey(entry, parts, 'event', UNLESS_EXAMPLE);
  ctx.requireKey(entry, parts, 'within', UNLESS_EXAMPLE);
  const events = ctx.parseEvents(parts.get('event'), UNLESS_EXAMPLE);
  const span = ctx.parseSpan(parts.get('within'), UNLESS_EXAMPLE);
  const atLeast = ctx.parseInteger(parts.get('at_least'), 1, MAX_COUNT) ?? 1;
  const same = parseSame(ctx, parts, [...triggers, ...events]);
  return events.length > 0 && span ? { events, atLeast, within: span.ms, withinText: span.text, ...same } : undefined;
}

/** Parses `same`: an expression over an event whose value must be equal for both events. */
function parseSame(ctx: RuleContext, parts: Fields, types: readonly string[]): { same?: string } {
  const entry = parts.get('same');
  const scope = { types: [...new Set(types)], roots: ['event'] as const };
  const same = entry && parseValueField(ctx, entry, scope, 'same: event.card_id', comparable);
  return same === undefined ? {} : { same };
}
