import { BUILT_IN_TYPES } from '../../model/built-in-types.ts';
import type { Rule } from '../../model/catalog.ts';
import { DIRECT_RULE, NOTIFICATION_REQUESTED, TEST_RULE } from '../../model/direct.ts';
import { isTest } from '../direct.ts';
import type { Wait } from '../facts.ts';
import type { CompiledRule, DirectRules, RuleSet } from './rule-set.ts';

/** The built-in rule: it always matches, has no limit, and sends the type that the request names. */
export const DIRECT: Rule = {
  name: DIRECT_RULE,
  on: [NOTIFICATION_REQUESTED],
  zone: 'user',
  after: [],
  ifPast: 'send_now',
  ifMissing: 'send_now',
  recheck: false,
  cancelOn: [],
  again: 'beside',
  limits: [],
  notify: [],
  variables: 'event.variables',
  actions: [],
};

/** The same for a request with a time; `findDueTime` reads it from there. */
export const DIRECT_AT: Rule = { ...DIRECT, at: { text: 'scheduled_at', offset: 0 } };

/**
 * Returns the forms of the built-in rule, each made when it is first asked for.
 * @param types the notification types of the catalog
 * @param atOnce, scheduled the rule without a type
 */
export function buildDirectRules(
  types: ReadonlyMap<string, unknown>,
  atOnce: CompiledRule,
  scheduled: CompiledRule,
): DirectRules {
  const forms = new Map<string, CompiledRule>();
  return {
    of(request) {
      const { notification_type: type, scheduled_at: at } = request.properties;
      if (typeof type !== 'string' || !(types.has(type) || BUILT_IN_TYPES.has(type))) return undefined;
      const base = at === undefined ? atOnce : scheduled;
      const ruleName = at === undefined && isTest(request) ? TEST_RULE : DIRECT_RULE;
      const name = `${base.hasWait} ${ruleName} ${type}`;
      let form = forms.get(name);
      if (!form) {
        form = { ...base, rule: { ...base.rule, name: ruleName, notify: [type] }, types: [type] };
        forms.set(name, form);
      }
      return form;
    },
  };
}

/** Returns the rule of a wait; undefined: the catalog version has no such rule, or not the type that it sends. */
export function findRuleOfWait(
  rules: RuleSet,
  { rule, key, state }: Pick<Wait, 'rule' | 'key' | 'state'>,
): CompiledRule | undefined {
  if (rule === DIRECT_RULE) return rules.direct.of(state.trigger);
  return rules.byName.get(rule) ?? rules.frequency.of({ rule, key });
}
