import { describeKinds } from '../../../expressions/value.ts';
import { joinWords } from '../../../lib/text/join-words.ts';
import type { At, Digest, Rule, WaitPolicy } from '../../../model/catalog.ts';
import { type Fields, parseFields, parseFilledFields } from '../fields.ts';
import type { Entry, Text } from '../yaml.ts';
import { parseAt } from './at-expression.ts';
import { type ExpressionScope, parseValue, type ValueCheck } from './expressions.ts';
import { parseRecurrence } from './recurrence-expression.ts';
import type { RuleContext } from './rule-context.ts';

type Waits = Pick<
  Rule,
  'delay' | 'at' | 'ifPast' | 'ifMissing' | 'recheck' | 'cancelOn' | 'again' | 'debounce' | 'digest' | 'expires'
>;

const POLICIES: readonly WaitPolicy[] = ['skip', 'send_now', 'error'];
const DEBOUNCE_EXAMPLE = 'debounce: { quiet: 1h, at_most: 24h }';
const DIGEST_EXAMPLE = 'digest: { window: 15m, first: now }';
const SLIDING_EXAMPLE = 'sliding: { quiet: 15m, at_most: 2h }';
const DEFAULT_DIGEST_ITEMS = 50;
const MAX_DIGEST_ITEMS = 100;

/** Parses the keys by which a rule waits (`delay`, `at`, `debounce`, `digest`), and those that govern its wait. */
export function parseWaits(ctx: RuleContext, found: Fields, scope: ExpressionScope): Waits {
  const delay = ctx.parseSpan(found.get('delay'), 'delay: 2h');
  const at = parseAtField(ctx, found, scope);
  const debounce = parseDebounce(ctx, found);
  const digest = parseDigest(ctx, found);
  const expires = ctx.parseSpan(found.get('expires'), 'expires: 2d');
  return {
    ...(delay && { delay: { span: delay.ms, text: delay.text } }),
    ...(at && { at }),
    ifPast: ctx.parseKeyword(found.get('if_past'), POLICIES) ?? 'skip',
    ifMissing: ctx.parseKeyword(found.get('if_missing'), POLICIES) ?? 'skip',
    recheck: ctx.parseBoolean(found.get('recheck')) ?? true,
    cancelOn: ctx.parseEvents(found.get('cancel_on'), 'cancel_on: booking_cancelled'),
    again:
      ctx.parseKeyword(found.get('again'), ['ignore', 'restart', 'beside'] as const) ??
      // With a field in `at`, a later event tells the new time.
      (at?.field === undefined ? 'beside' : 'restart'),
    ...(debounce && { debounce }),
    ...(digest && { digest }),
    ...(expires && { expires: expires.ms }),
  };
}

function parseAtField(ctx: RuleContext, found: Fields, scope: ExpressionScope): At | undefined {
  const entry = found.get('at');
  const text = ctx.parseText(entry, 'at: event.starts_at - 24h, or at: 09:00');
  if (!entry || !text) return undefined;
  const parsed = parseAt(text.text);
  if ('message' in parsed) {
    ctx.report(text.at, parsed.message, parsed.hint);
    return undefined;
  }
  const { at } = parsed;
  if (at.field !== undefined) {
    const roots = ['event', 'traits', 'user', 'context', 'matched'] as const;
    parseValue(ctx, sliceText(text, parsed.fieldOffset, at.field), { ...scope, roots }, timestamp);
    const delay = found.get('delay');
    if (delay) {
      const hint = 'the field gives the time: keep one of them';
      ctx.report(delay.at, `"delay" cannot be combined with at: ${at.text}`, hint);
    }
  } else {
    for (const key of ['if_past', 'if_missing']) {
      const policy = found.get(key);
      if (policy) ctx.report(policy.at, `"${key}" needs a field in "at"`, 'the next 09:00 is never past or missing');
    }
  }
  return at;
}

/** Accepts values that can be a time. */
const timestamp: ValueCheck = ({ type }) =>
  type === 'timestamp' || type === 'string' || type === 'any'
    ? undefined
    : { message: `this is ${describeKinds([type])}, but must be a time`, hint: 'at: event.starts_at - 24h' };

/** Returns a part of a text that keeps its place in the file. */
function sliceText(text: Text, from: number, part: string): Text {
  return { ...text, text: part, offsetOf: (index) => text.offsetOf(from + index) };
}

function parseDebounce(ctx: RuleContext, found: Fields): Rule['debounce'] {
  const entry = found.get('debounce');
  if (entry === undefined) return undefined;
  if (entry.value.kind !== 'map') {
    const quiet = ctx.parseSpan(entry, DEBOUNCE_EXAMPLE);
    return quiet && { quiet: quiet.ms, text: quiet.text };
  }
  const parts = parseFields(ctx.file, entry.value, '"debounce"', ['quiet', 'at_most'], DEBOUNCE_EXAMPLE);
  const { quiet, atMost } = parseQuiet(ctx, entry, parts, DEBOUNCE_EXAMPLE);
  if (!quiet) return undefined;
  if (!atMost) return { quiet: quiet.ms, text: quiet.text };
  return { quiet: quiet.ms, atMost: atMost.ms, text: `${quiet.text}, at most ${atMost.text}` };
}

function parseQuiet(ctx: RuleContext, entry: Entry, parts: Fields, example: string) {
  ctx.requireKey(entry, parts, 'quiet', example);
  const quiet = ctx.parseSpan(parts.get('quiet'), example);
  const atMost = ctx.parseSpan(parts.get('at_most'), example);
  if (quiet && atMost && atMost.ms < quiet.ms) {
    const message = `"at_most" (${atMost.text}) is shorter than "quiet" (${quiet.text})`;
    ctx.report(parts.get('at_most')!.at, message, `write at_most: ${quiet.text} or more`);
  }
  return { quiet, atMost };
}

function parseDigest(ctx: RuleContext, found: Fields): Digest | undefined {
  const entry = found.get('digest');
  if (entry === undefined) return undefined;
  const keys = ['window', 'sliding', 'at', 'first', 'keep'];
  const parts = parseFilledFields(ctx.file, entry.value, '"digest"', keys, DIGEST_EXAMPLE);
  const window = entry.value.kind === 'map' ? parseDigestWindow(ctx, entry, parts) : undefined;
  const keep = ctx.parseInteger(parts.get('keep'), 1, MAX_DIGEST_ITEMS) ?? DEFAULT_DIGEST_ITEMS;
  const first = ctx.parseKeyword(parts.get('first'), ['now'] as const);
  return window && { window, keep, firstNow: first === 'now' };
}

function parseDigestWindow(ctx: RuleContext, entry: Entry, parts: Fields): Digest['window'] | undefined {
  const written = ['window', 'sliding', 'at'].filter((key) => parts.has(key));
  const example = `${DIGEST_EXAMPLE}, or digest: { at: day 18:00 }`;
  if (written.length === 0) ctx.report(entry.at, '"digest" needs window, sliding or at', example);
  if (written.length > 1) ctx.report(entry.at, `"digest" has ${joinWords(written)}: keep one of them`, example);
  const sliding = parts.get('sliding');
  if (sliding) {
    const { quiet, atMost } = parseQuiet(ctx, sliding, parseSlidingFields(ctx, sliding), SLIDING_EXAMPLE);
    return quiet && atMost
      ? { kind: 'sliding', span: quiet.ms, atMost: atMost.ms, text: `${quiet.text}, at most ${atMost.text}` }
      : undefined;
  }
  const at = ctx.parseText(parts.get('at'), 'at: day 18:00');
  if (at) {
    const parsed = parseRecurrence(at.text);
    if ('recurrence' in parsed) {
      return { kind: 'calendar', recurrence: parsed.recurrence, text: parsed.recurrence.text };
    }
    ctx.report(at.at, parsed.message, parsed.hint);
    return undefined;
  }
  const span = ctx.parseSpan(parts.get('window'), 'window: 15m');
  return span && { kind: 'fixed', span: span.ms, text: span.text };
}

function parseSlidingFields(ctx: RuleContext, sliding: Entry): Fields {
  const parts = parseFilledFields(ctx.file, sliding.value, '"sliding"', ['quiet', 'at_most'], SLIDING_EXAMPLE);
  ctx.requireKey(sliding, parts, 'at_most', SLIDING_EXAMPLE);
  return parts;
}
