import type { Group, Rule } from '../../../model/catalog.ts';
import { type Fields, fields, isName, named } from '../fields.ts';
import type { Entry, YamlFile } from '../yaml.ts';
import { readActions, readData } from './actions.ts';
import { checkConflicts } from './conflicts.ts';
import { comparable, type ExpressionScope, parseConditionField, parseValueField } from './expressions.ts';
import { readGroup, readGroupOf, readLimits } from './limits.ts';
import { readNotify } from './notify.ts';
import { readAfter, readCount, readUnless } from './patterns.ts';
import { type CatalogSymbols, RuleContext } from './rule-context.ts';
import { readEvery, readTriggers, readZone } from './triggers.ts';
import { readWaits } from './waits.ts';

const EXAMPLE = 'WELCOME_EMAIL: { on: signup_completed, limit: once }';

/** In the order in which docs/rules.md has them. */
export const KEYS = [
  ...['on', 'when', 'after', 'count', 'unless', 'key', 'delay', 'at', 'if_past', 'if_missing', 'recheck'],
  ...['cancel_on', 'again', 'debounce', 'throttle', 'digest', 'every', 'for', 'zone', 'expires', 'limit', 'group'],
  ...['notify', 'channels', 'data', 'choose', 'split', 'do'],
];

export interface ReadRules {
  readonly rules: readonly Rule[];
  readonly groups: readonly Group[];
}

/** Reads rules.yaml: who hears what, and when. */
export function readRules(file: YamlFile, vocabulary: CatalogSymbols): ReadRules {
  const top = fields(file, file.root!, 'rules.yaml', ['rules', 'groups'], `rules: { ${EXAMPLE} }`);
  const rules = top.get('rules');
  if (rules === undefined && file.root?.kind !== 'list') {
    file.problem(0, 'rules.yaml has no "rules"', `rules: { ${EXAMPLE} }`);
  }
  const groups = top.get('groups');
  const ruleEntries = rules ? named(file, rules.value, '"rules"', EXAMPLE) : [];
  const groupEntries = groups ? named(file, groups.value, '"groups"', 'promos: { limit: 2 per day }') : [];
  const c = new RuleContext(file, vocabulary, ruleEntries, groupEntries);
  return {
    groups: groupEntries.map((entry) => readGroupOf(c, entry)),
    rules: ruleEntries.map((entry) => readRule(c, entry)),
  };
}

function readRule(c: RuleContext, entry: Entry): Rule {
  const name = entry.key;
  const found = fields(c.file, entry.value, name, KEYS, EXAMPLE);
  if (!isName(name)) {
    const shown = JSON.stringify(name.slice(0, 60));
    c.problem(entry.at, `${shown} cannot be a name`, 'letters, digits, _ . and -: WELCOME_EMAIL');
  }
  checkConflicts(c, found);

  const triggers = readTriggers(c, entry, found);
  const every = readEvery(c, found);
  const zone = readZone(c, found);
  const after = readAfter(c, found, triggers.on);
  const count = readCount(c, found, triggers.on, zone);
  const unless = readUnless(c, found, triggers.on);
  const sight = sightOf(found, triggers, after);
  const waits = readWaits(c, found, sight);
  const audience = readOptional(
    c,
    found,
    'for',
    { ...sight, roots: ['user', 'now'] },
    'for: user.role == "practitioner"',
  );
  const when = readOptional(c, found, 'when', sight, 'when: event.amount > 100');
  const key = readKey(c, found, [
    ...sight.types,
    ...after.map((step) => step.event),
    ...(count?.of ?? []),
    ...(count?.window.kind === 'since' ? [count.window.event] : []),
    ...(unless?.events ?? []),
    ...waits.cancelOn,
  ]);
  return {
    name,
    ...triggers,
    ...(every && { every }),
    ...(audience !== undefined && { audience }),
    zone,
    ...(key !== undefined && { key }),
    ...(when !== undefined && { when }),
    after,
    ...(count && { count }),
    ...(unless && { unless }),
    ...waits,
    limits: readLimits(c, found),
    ...readGroup(c, found),
    ...readNotify(c, entry, found, sight),
    ...readData(c, found, sight),
    actions: readActions(c, found, sight),
  };
}

/** What the conditions and values of a rule can see: a rule that acts by itself knows the person and the time. */
function sightOf(found: Fields, { on, changes }: Pick<Rule, 'on' | 'changes'>, after: Rule['after']): ExpressionScope {
  if (found.has('every')) return { types: [''], roots: ['user', 'now'], now: true };
  return {
    // A trait may change with any event.
    types: changes ? [...on, ''] : on,
    roots: ['event', 'traits', 'user', 'matched', 'now'],
    ...(found.has('after') && { matched: [...new Set(after.map((step) => step.event))] }),
    now: ['delay', 'at', 'unless', 'debounce'].some((key) => found.has(key)),
  };
}

function readOptional(
  c: RuleContext,
  found: Fields,
  key: string,
  sight: ExpressionScope,
  example: string,
): string | undefined {
  const entry = found.get(key);
  return entry && parseConditionField(c, entry, sight, example);
}

/** `key`, which each event that the rule looks at must have. */
function readKey(c: RuleContext, found: Fields, types: readonly string[]): string | undefined {
  const entry = found.get('key');
  const sight: ExpressionScope = { types: [...new Set(types)], roots: ['event'] };
  return entry && parseValueField(c, entry, sight, 'key: event.booking_id', comparable);
}
