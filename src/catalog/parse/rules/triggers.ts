import { isDeepStrictEqual } from 'node:util';
import type { Recurrence, TraitChange, Zone } from '../../../model/catalog.ts';
import { LIFECYCLE_OUTCOMES, toLifecycleEventType } from '../../lifecycle-events.ts';
import { type Fields, parseFields, parseKeyword, parseText, parseTexts } from '../fields.ts';
import { type Entry, type Tree, toJson } from '../yaml.ts';
import { parseRecurrence } from './recurrence-expression.ts';
import type { RuleContext } from './rule-context.ts';
import { parseZone } from './zone-expression.ts';

const TRAIT_EXAMPLE = 'on: { trait: plan, to: pro }';
const LIFECYCLE_EXAMPLE = 'on: { notification: WELCOME_EMAIL, is: failed }';

export interface Triggers {
  readonly on: readonly string[];
  /** Notification types that lifecycle events must be about; absent: any. */
  readonly about?: readonly string[];
  readonly changes?: readonly TraitChange[];
}

/** Parses `on`: event types, trait changes and outcomes of notifications; one of them, or a list. */
export function parseTriggers(ctx: RuleContext, rule: Entry, found: Fields): Triggers {
  const entry = found.get('on');
  if (entry === undefined) {
    const hint = 'on: signup_completed; or every: monday 09:00 to act without an event';
    if (!found.has('every')) ctx.report(rule.at, `${rule.key} has no trigger`, hint);
    return { on: [] };
  }
  const items = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  if (items.length === 0) ctx.report(entry.value.at, '"on" is an empty list', 'on: signup_completed');
  const on = new Set<string>();
  const changes: TraitChange[] = [];
  let about: { readonly types: readonly string[] | undefined } | undefined;
  for (const item of items) {
    if (item.kind !== 'map') {
      const text = parseText(ctx.file, item, '"on"', 'on: signup_completed');
      if (!text) continue;
      if (on.has(text.text)) {
        ctx.report(text.at, `${JSON.stringify(text.text)} is in "on" twice`, 'remove one of them');
      }
      on.add(ctx.parseEvent(text));
      if (!text.text.startsWith('notification.')) continue;
    } else if (item.entries.some(({ key }) => key === 'trait' || key === 'to')) {
      const change = parseTraitChange(ctx, item);
      if (change) changes.push(change);
      continue;
    }
    const outcome = item.kind === 'map' ? parseOutcome(ctx, item) : { types: undefined, on: [] };
    if (!outcome) continue;
    for (const type of outcome.on) on.add(type);
    if (about && !isDeepStrictEqual(about.types, outcome.types)) {
      const hint = 'use one list for all: { notification: [A, B], is: [failed, bounced] }; or write two rules';
      ctx.report(item.at, 'this names other notifications than the trigger before it', hint);
    }
    about = outcome;
  }
  return { on: [...on], ...(about?.types && { about: about.types }), ...(changes.length > 0 && { changes }) };
}

function parseTraitChange(ctx: RuleContext, tree: Tree): TraitChange | undefined {
  const parts = parseFields(ctx.file, tree, '"on"', ['trait', 'to'], TRAIT_EXAMPLE);
  const trait = ctx.parseText(parts.get('trait'), TRAIT_EXAMPLE);
  const to = parts.get('to');
  if (!parts.has('trait')) ctx.report(tree.at, '"on" needs "trait" beside "to"', TRAIT_EXAMPLE);
  if (!trait) return undefined;
  ctx.checkTrait(trait.text, trait.at);
  if (to === undefined) return { trait: trait.text };
  const value = toJson(to.value);
  const violation = ctx.findViolation(ctx.traits, trait.text, value);
  if (violation) ctx.report(to.value.at, `${trait.text} never has this value, which ${violation}`);
  return { trait: trait.text, to: value };
}

/** Parses `{ notification, is }` into the notification types and the lifecycle events that are meant. */
function parseOutcome(ctx: RuleContext, tree: Tree) {
  const example = `${LIFECYCLE_EXAMPLE}, or ${TRAIT_EXAMPLE}`;
  const parts = parseFields(ctx.file, tree, '"on"', ['notification', 'is'], example);
  const [notification, is] = [parts.get('notification'), parts.get('is')];
  if (!notification) {
    const hint = `${LIFECYCLE_EXAMPLE}; for all notifications: on: notification.failed`;
    ctx.report(tree.at, '"on" does not say which notification', hint);
  }
  if (!is) ctx.report(tree.at, '"on" does not say which outcome of the notification', LIFECYCLE_EXAMPLE);
  if (!notification || !is) return undefined;
  const types = parseTexts(ctx.file, notification.value, '"notification"', LIFECYCLE_EXAMPLE).map((text) =>
    ctx.parseNotification(text),
  );
  const outcomes = parseTexts(ctx.file, is.value, '"is"', LIFECYCLE_EXAMPLE).flatMap(
    (text) => parseKeyword(ctx.file, text, 'an outcome of a notification', LIFECYCLE_OUTCOMES) ?? [],
  );
  return { types, on: outcomes.map(toLifecycleEventType) };
}

/** Parses `every`: the schedule of a scheduled rule. */
export function parseEvery(ctx: RuleContext, found: Fields): Recurrence | undefined {
  const text = ctx.parseText(found.get('every'), 'every: monday 09:00');
  if (!text) return undefined;
  const parsed = parseRecurrence(text.text);
  if ('recurrence' in parsed) return parsed.recurrence;
  ctx.report(text.at, parsed.message, parsed.hint);
  return undefined;
}

/** Parses `zone`: the time zone of all local times in the rule. UTC if it is absent, and after an error. */
export function parseRuleZone(ctx: RuleContext, found: Fields): Zone {
  const text = ctx.parseText(found.get('zone'), 'zone: user');
  if (!text) return 'UTC';
  const parsed = parseZone(text.text);
  if (typeof parsed === 'string') return parsed;
  ctx.report(text.at, parsed.message, parsed.hint.replace('user zone', 'user'));
  return 'UTC';
}
