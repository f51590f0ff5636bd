import { isDeepStrictEqual } from 'node:util';
import type { Recurrence, TraitChange, Zone } from '../../../model/catalog.ts';
import { LIFECYCLE, lifecycleEvent } from '../../lifecycle-events.ts';
import { type Fields, fields, oneOf, oneText, someTexts } from '../fields.ts';
import { type Entry, type Tree, toJson } from '../yaml.ts';
import type { RuleContext } from './rule-context.ts';
import { parseRecurrence, parseZone } from './time-expressions.ts';

const CHANGE = 'on: { trait: plan, to: pro }';
const LIFE = 'on: { notification: WELCOME_EMAIL, is: failed }';

export interface Triggers {
  readonly on: readonly string[];
  readonly about?: readonly string[];
  readonly changes?: readonly TraitChange[];
}

/** `on`: event types, changes of a trait, and what becomes of notifications; one, or a list of any of them. */
export function readTriggers(c: RuleContext, rule: Entry, found: Fields): Triggers {
  const entry = found.get('on');
  if (entry === undefined) {
    const hint = 'on: signup_completed; or every: monday 09:00 to act without an event';
    if (!found.has('every')) c.problem(rule.at, `${rule.key} has no trigger`, hint);
    return { on: [] };
  }
  const items = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  if (items.length === 0) c.problem(entry.value.at, '"on" is an empty list', 'on: signup_completed');
  const on = new Set<string>();
  const changes: TraitChange[] = [];
  let about: { readonly types: readonly string[] | undefined } | undefined;
  for (const item of items) {
    if (item.kind !== 'map') {
      const text = oneText(c.file, item, '"on"', 'on: signup_completed');
      if (!text) continue;
      if (on.has(text.text)) c.problem(text.at, `${JSON.stringify(text.text)} is in "on" twice`, 'remove one');
      on.add(c.event(text));
      if (!text.text.startsWith('notification.')) continue;
    } else if (item.entries.some(({ key }) => key === 'trait' || key === 'to')) {
      const change = readChange(c, item);
      if (change) changes.push(change);
      continue;
    }
    const life = item.kind === 'map' ? readLife(c, item) : { types: undefined, on: [] };
    if (!life) continue;
    for (const type of life.on) on.add(type);
    if (about && !isDeepStrictEqual(about.types, life.types)) {
      const hint = 'one list for all: { notification: [A, B], is: [failed, bounced] }; or two rules';
      c.problem(item.at, 'this is about other notifications than the one before it', hint);
    }
    about = life;
  }
  return { on: [...on], ...(about?.types && { about: about.types }), ...(changes.length > 0 && { changes }) };
}

function readChange(c: RuleContext, tree: Tree): TraitChange | undefined {
  const parts = fields(c.file, tree, '"on"', ['trait', 'to'], CHANGE);
  const trait = c.text(parts.get('trait'), CHANGE);
  const to = parts.get('to');
  if (!parts.has('trait')) c.problem(tree.at, '"on" does not say which trait', CHANGE);
  if (!trait) return undefined;
  c.trait(trait.text, trait.at);
  if (to === undefined) return { trait: trait.text };
  const value = toJson(to.value);
  const misfit = c.misfit(c.traits, trait.text, value);
  if (misfit) c.problem(to.value.at, `${trait.text} ${misfit}, so it never becomes this`);
  return { trait: trait.text, to: value };
}

function readLife(c: RuleContext, tree: Tree) {
  const parts = fields(c.file, tree, '"on"', ['notification', 'is'], `${LIFE}, or ${CHANGE}`);
  const [notification, is] = [parts.get('notification'), parts.get('is')];
  if (!notification) {
    c.problem(tree.at, '"on" does not say which notification', `${LIFE}; for all of them: on: notification.failed`);
  }
  if (!is) c.problem(tree.at, '"on" does not say what becomes of the notification', LIFE);
  if (!notification || !is) return undefined;
  const types = someTexts(c.file, notification.value, '"notification"', LIFE).map((text) => c.notification(text));
  const words = someTexts(c.file, is.value, '"is"', LIFE).flatMap(
    (text) => oneOf(c.file, text, 'what becomes of a notification', LIFECYCLE) ?? [],
  );
  return { types, on: words.map(lifecycleEvent) };
}

/** `every`: when a rule acts by itself. */
export function readEvery(c: RuleContext, found: Fields): Recurrence | undefined {
  const text = c.text(found.get('every'), 'every: monday 09:00');
  if (!text) return undefined;
  const parsed = parseRecurrence(text.text);
  if ('recurrence' in parsed) return parsed.recurrence;
  c.problem(text.at, parsed.message, parsed.hint);
  return undefined;
}

/** `zone`: of all local times in the rule. */
export function readZone(c: RuleContext, found: Fields): Zone {
  const text = c.text(found.get('zone'), 'zone: user');
  if (!text) return 'UTC';
  const parsed = parseZone(text.text);
  if (typeof parsed === 'string') return parsed;
  c.problem(text.at, parsed.message, parsed.hint.replace('user zone', 'user'));
  return 'UTC';
}
