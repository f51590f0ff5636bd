import type { Condition, Expression } from '../../expressions/condition.ts';
import type { Template } from '../../model/catalog.ts';
import { getAddressKind } from '../../model/event.ts';
import { findAddressesInTemplate } from '../../privacy/template-reads.ts';
import { type CompiledRule, listVariables, type RuleSet } from './rule-set.ts';

/**
 * Returns whether a catalog reads addresses of users. They are in nearly every event and sealed once, in `addresses`; a
 * catalog that reads them elsewhere pays for it. A template that reads them from `user` does not count: they are opened when
 * it is rendered.
 */
export function findAddressReads(
  rules: readonly CompiledRule[],
  templates: readonly Template[],
): Pick<RuleSet, 'readsEventAddresses' | 'readsUserAddresses'> {
  const all = rules.flatMap(listExpressions);
  const inTemplates = templates.some(({ parts }) => {
    return findAddressesInTemplate(Object.values(parts).join('\n'), 'traits').length > 0;
  });
  const changes = rules.flatMap(({ rule }) => rule.changes ?? []);
  const readsUserAddresses =
    changes.some(({ trait }) => getAddressKind(trait) !== undefined) || all.some((one) => readsAddress(one, 'user'));
  // The address that an event brings becomes that of the user.
  const readsEventAddresses = readsUserAddresses || inTemplates || all.some((one) => readsAddress(one, 'traits'));
  return { readsEventAddresses, readsUserAddresses };
}

function listExpressions(compiled: CompiledRule): (Condition | Expression)[] {
  const { condition, audience, key, at, sameAfter, sameCount, sameUnless, branches, data, actions } = compiled;
  const named = [...data, ...listVariables(compiled), ...actions.flat()].map(([, expression]) => expression);
  return [condition, audience, key, at, ...sameAfter, sameCount, sameUnless, ...branches, ...named].filter(
    (one) => one !== undefined,
  );
}

/**
 * Whether an expression reads an address. A variable that is used as a whole, or with a computed name, is a path of one step.
 */
export function readsAddress({ paths }: Condition | Expression, root: 'traits' | 'user'): boolean {
  return paths.some(([first, second]) => {
    return first === root && (typeof second !== 'string' || getAddressKind(second) !== undefined);
  });
}
