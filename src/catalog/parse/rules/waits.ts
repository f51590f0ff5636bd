import { inWords } from '../../../expressions/value.ts';
import type { At, Digest, Rule, WaitPolicy } from '../../../model/catalog.ts';
import { type Fields, fields } from '../fields.ts';
import type { Entry, Text } from '../yaml.ts';
import { type ExpressionScope, parseValue, type ValueCheck } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';
import { parseAt, parseRecurrence } from './time-expressions.ts';

type Waits = Pick<
  Rule,
  'delay' | 'at' | 'ifPast' | 'ifMissing' | 'recheck' | 'cancelOn' | 'again' | 'debounce' | 'digest' | 'expires'
>;

const POLICIES: readonly WaitPolicy[] = ['skip', 'send_now', 'error'];
const DEBOUNCE = 'debounce: { quiet: 1h, at_most: 24h }';
const DIGEST = 'digest: { window: 15m, first: now }';
const KEPT = 50;
const MOST_KEPT = 100;

/** The keys that say when: `delay`, `at`, `debounce`, `digest`, and what may happen on the way. */
export function readWaits(c: RuleContext, found: Fields, sight: ExpressionScope): Waits {
  const delay = c.span(found.get('delay'), 'delay: 2h');
  const at = readAt(c, found, sight);
  const debounce = readDebounce(c, found);
  const digest = readDigest(c, found);
  const expires = c.span(found.get('expires'), 'expires: 2d');
  return {
    ...(delay && { delay: { span: delay.ms, text: delay.text } }),
    ...(at && { at }),
    ifPast: c.word(found.get('if_past'), 'a way to go on', POLICIES) ?? 'skip',
    ifMissing: c.word(found.get('if_missing'), 'a way to go on', POLICIES) ?? 'skip',
    recheck: c.yesOrNo(found.get('recheck')) ?? true,
    cancelOn: c.someEvents(found.get('cancel_on'), 'cancel_on: booking_cancelled'),
    again:
      c.word(found.get('again'), 'a way to go on', ['ignore', 'restart', 'beside'] as const) ??
      // A later event says where the time has moved to.
      (at?.field === undefined ? 'beside' : 'restart'),
    ...(debounce && { debounce }),
    ...(digest && { digest }),
    ...(expires && { expires: expires.ms }),
  };
}

function readAt(c: RuleContext, found: Fields, sight: ExpressionScope): At | undefined {
  const entry = found.get('at');
  const text = c.text(entry, 'at: event.starts_at - 24h, or at: 09:00');
  if (!entry || !text) return undefined;
  const parsed = parseAt(text.text);
  if ('message' in parsed) {
    c.problem(text.at, parsed.message, parsed.hint);
    return undefined;
  }
  const { at } = parsed;
  if (at.field !== undefined) {
    const roots = ['event', 'traits', 'user', 'matched'] as const;
    parseValue(c, inside(text, parsed.fieldOffset, at.field), { ...sight, roots }, timestamp);
    const delay = found.get('delay');
    if (delay) c.problem(delay.at, `"delay" does not go with at: ${at.text}`, 'the field says when: keep one of them');
  } else {
    for (const key of ['if_past', 'if_missing']) {
      const policy = found.get(key);
      if (policy) c.problem(policy.at, `"${key}" needs a field in "at"`, 'the next 09:00 is never past or missing');
    }
  }
  return at;
}

const timestamp: ValueCheck = ({ type }) =>
  type === 'timestamp' || type === 'string' || type === 'any'
    ? undefined
    : { message: `this is ${inWords([type])}, a time is needed`, hint: 'at: event.starts_at - 24h' };

/** A part of a text, with its own places. */
function inside(text: Text, from: number, part: string): Text {
  return { ...text, text: part, offsetOf: (index) => text.offsetOf(from + index) };
}

function readDebounce(c: RuleContext, found: Fields): Rule['debounce'] {
  const entry = found.get('debounce');
  if (entry === undefined) return undefined;
  if (entry.value.kind !== 'map') {
    const quiet = c.span(entry, DEBOUNCE);
    return quiet && { quiet: quiet.ms, text: quiet.text };
  }
  const parts = fields(c.file, entry.value, '"debounce"', ['quiet', 'at_most'], DEBOUNCE);
  const { quiet, atMost } = readQuiet(c, entry, parts, DEBOUNCE);
  if (!quiet) return undefined;
  if (!atMost) return { quiet: quiet.ms, text: quiet.text };
  return { quiet: quiet.ms, atMost: atMost.ms, text: `${quiet.text}, at most ${atMost.text}` };
}

function readQuiet(c: RuleContext, entry: Entry, parts: Fields, example: string) {
  c.need(entry, parts, 'quiet', 'does not say how long it must be quiet', example);
  const quiet = c.span(parts.get('quiet'), example);
  const atMost = c.span(parts.get('at_most'), example);
  if (quiet && atMost && atMost.ms < quiet.ms) {
    c.problem(parts.get('at_most')!.at, `"at_most" (${atMost.text}) is shorter than "quiet" (${quiet.text})`, example);
  }
  return { quiet, atMost };
}

function readDigest(c: RuleContext, found: Fields): Digest | undefined {
  const entry = found.get('digest');
  if (entry === undefined) return undefined;
  const parts = fields(c.file, entry.value, '"digest"', ['window', 'sliding', 'at', 'first', 'keep'], DIGEST);
  const window = entry.value.kind === 'map' ? readWindow(c, entry, parts) : undefined;
  const keep = c.whole(parts.get('keep'), 1, MOST_KEPT) ?? KEPT;
  const first = c.word(parts.get('first'), 'when the first goes', ['now'] as const);
  return window && { window, keep, firstNow: first === 'now' };
}

function readWindow(c: RuleContext, entry: Entry, parts: Fields): Digest['window'] | undefined {
  const said = ['window', 'sliding', 'at'].filter((key) => parts.has(key));
  if (said.length !== 1) {
    const message = said.length === 0 ? 'does not say how long' : `says ${said.join(' and ')}: one of them is needed`;
    c.problem(entry.at, `"digest" ${message}`, `${DIGEST}, or digest: { at: day 18:00 }`);
  }
  const sliding = parts.get('sliding');
  if (sliding) {
    const example = 'sliding: { quiet: 15m, at_most: 2h }';
    const { quiet, atMost } = readQuiet(c, sliding, readParts(c, sliding, example), example);
    return quiet && atMost
      ? { kind: 'sliding', span: quiet.ms, atMost: atMost.ms, text: `${quiet.text}, at most ${atMost.text}` }
      : undefined;
  }
  const at = c.text(parts.get('at'), 'at: day 18:00');
  if (at) {
    const parsed = parseRecurrence(at.text);
    if ('recurrence' in parsed)
      return { kind: 'calendar', recurrence: parsed.recurrence, text: parsed.recurrence.text };
    c.problem(at.at, parsed.message, parsed.hint);
    return undefined;
  }
  const span = c.span(parts.get('window'), 'window: 15m');
  return span && { kind: 'fixed', span: span.ms, text: span.text };
}

function readParts(c: RuleContext, sliding: Entry, example: string): Fields {
  const parts = fields(c.file, sliding.value, '"sliding"', ['quiet', 'at_most'], example);
  c.need(sliding, parts, 'at_most', 'does not say how long at most', example);
  return parts;
}
