import type { Group, Rule } from '../../../model/catalog.ts';
import { checkName, type Fields, parseEntries, parseFields } from '../fields.ts';
import type { Entry, YamlFile } from '../yaml.ts';
import { parseActions, parseData } from './actions.ts';
import { parseAudience } from './audience.ts';
import { checkConflicts } from './conflicts.ts';
import { comparable, type ExpressionScope, parseConditionField, parseValueField } from './expressions.ts';
import { parseGroup, parseGroupName, parseLimits } from './limits.ts';
import { parseNotify } from './notify.ts';
import { parseAfter, parseCount, parseUnless } from './patterns.ts';
import { type CatalogSymbols, RuleContext } from './rule-context.ts';
import { parseEvery, parseRuleZone, parseTriggers } from './triggers.ts';
import { parseRuleVariables } from './variables.ts';
import { parseWaits } from './waits.ts';

const EXAMPLE = 'WELCOME_EMAIL: { on: signup_completed, limit: once }';
const GROUP_EXAMPLE = 'promos: { limit: 2 per day }';

/** The keys of a rule, in the order of docs/rules.md. */
export const RULE_KEYS = [
  ...['on', 'when', 'after', 'count', 'unless', 'key', 'delay', 'at', 'if_past', 'if_missing', 'recheck'],
  ...['cancel_on', 'again', 'debounce', 'throttle', 'digest', 'every', 'for', 'zone', 'expires', 'limit', 'group'],
  ...['notify', 'channels', 'data', 'variables', 'choose', 'split', 'do'],
];

export interface ParsedRules {
  readonly groups: readonly Group[];
  readonly rules: readonly Rule[];
}

/** Parses rules.yaml: the rules and the groups of limits that they share. */
export function parseRules(file: YamlFile, symbols: CatalogSymbols): ParsedRules {
  const top = parseFields(file, file.root!, 'rules.yaml', ['rules', 'groups'], `rules: { ${EXAMPLE} }`);
  const rules = top.get('rules');
  if (rules === undefined && file.root?.kind !== 'list') {
    file.report(0, 'rules.yaml has no "rules"', `rules: { ${EXAMPLE} }`);
  }
  const groups = top.get('groups');
  const ruleEntries = rules ? parseEntries(file, rules.value, '"rules"', EXAMPLE) : [];
  const groupEntries = groups ? parseEntries(file, groups.value, '"groups"', GROUP_EXAMPLE) : [];
  const ctx = new RuleContext(file, symbols, ruleEntries, groupEntries);
  return {
    groups: groupEntries.map((entry) => parseGroup(ctx, entry)),
    rules: ruleEntries.map((entry) => parseRule(ctx, entry)),
  };
}

function parseRule(ctx: RuleContext, entry: Entry): Rule {
  const name = entry.key;
  const found = parseFields(ctx.file, entry.value, name, RULE_KEYS, EXAMPLE);
  checkName(ctx.file, entry, 'WELCOME_EMAIL');
  checkConflicts(ctx, found);

  const triggers = parseTriggers(ctx, entry, found);
  const every = parseEvery(ctx, found);
  const zone = parseRuleZone(ctx, found);
  const after = parseAfter(ctx, found, triggers.on);
  const count = parseCount(ctx, found, triggers.on, zone);
  const unless = parseUnless(ctx, found, triggers.on);
  const scope = newScope(found, triggers, after);
  const waits = parseWaits(ctx, found, scope);
  const audience = parseAudience(ctx, found.get('for'));
  const when = parseCondition(ctx, found.get('when'), scope, 'when: event.amount > 100');
  const key = parseKey(ctx, found, [
    ...scope.types,
    ...after.map((step) => step.event),
    ...(count?.of ?? []),
    ...(count?.window.kind === 'since' ? [count.window.event] : []),
    ...(unless?.events ?? []),
    ...waits.cancelOn,
  ]);
  const notify = parseNotify(ctx, entry, found, scope);
  return {
    name,
    ...triggers,
    ...(every && { every }),
    ...audience,
    zone,
    ...(key !== undefined && { key }),
    ...(when !== undefined && { when }),
    after,
    ...(count && { count }),
    ...(unless && { unless }),
    ...waits,
    limits: parseLimits(ctx, found),
    ...parseGroupName(ctx, found),
    ...notify,
    ...parseData(ctx, found, scope),
    ...parseRuleVariables(ctx, entry, found, scope, notify),
    actions: parseActions(ctx, found, scope),
  };
}

/** Returns the scope of the conditions and values of a rule. A scheduled rule has no event: it sees the user and the time. */
function newScope(found: Fields, { on, changes }: Pick<Rule, 'on' | 'changes'>, after: Rule['after']): ExpressionScope {
  if (found.has('every')) return { types: [''], roots: ['user', 'now'], now: true };
  return {
    // An event of any type may change a trait.
    types: changes ? [...on, ''] : on,
    roots: ['event', 'traits', 'user', 'context', 'matched', 'now'],
    ...(found.has('after') && { matched: [...new Set(after.map((step) => step.event))] }),
    now: ['delay', 'at', 'unless', 'debounce'].some((key) => found.has(key)),
  };
}

function parseCondition(
  ctx: RuleContext,
  entry: Entry | undefined,
  scope: ExpressionScope,
  example: string,
): string | undefined {
  return entry && parseConditionField(ctx, entry, scope, example);
}

/** Parses `key`, an expression over the event. It is checked for every event type that the rule looks at. */
function parseKey(ctx: RuleContext, found: Fields, types: readonly string[]): string | undefined {
  const entry = found.get('key');
  const scope: ExpressionScope = { types: [...new Set(types)], roots: ['event'] };
  return entry && parseValueField(ctx, entry, scope, 'key: event.booking_id', comparable);
}
