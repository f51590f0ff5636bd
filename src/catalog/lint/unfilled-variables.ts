import type { CatalogData } from '../../model/catalog.ts';
import { getSentTypes } from '../../rules/compile/rule-set.ts';
import { COMMON_VARIABLES } from '../../templates/variables.ts';
import { declareTemplateVariables } from '../compile/declare-variables.ts';
import type { Report } from './findings.ts';

/** A rule that sends a notification without a variable that a template of it requires: each of its decisions would fail. */
export interface UnfilledVariable {
  readonly rule: string;
  readonly type: string;
  readonly variable: string;
}

/** Returns what rules leave out, as far as their variables are written by name. One whose value is an object may give any. */
export function findUnfilledVariables(data: CatalogData): readonly UnfilledVariable[] {
  const { notifications, rules } = declareTemplateVariables(data);
  const required = new Map(
    notifications.map(({ name, variables = {} }) => {
      const names = Object.keys(variables).filter((one) => variables[one]?.required && !isCommon(one));
      return [name, names] as const;
    }),
  );
  return rules.flatMap((rule) => {
    const given = rule.variables ?? {};
    if (typeof given === 'string') return [];
    return [...getSentTypes(rule)].flatMap((type) => {
      const missing = (required.get(type) ?? []).filter((name) => !Object.hasOwn(given, name));
      return missing.map((variable) => ({ rule: rule.name, type, variable }));
    });
  });
}

function isCommon(name: string): boolean {
  return (COMMON_VARIABLES as readonly string[]).includes(name);
}

/** Says what is wrong and what to do. */
export function describeUnfilled({ rule, type, variable }: UnfilledVariable): { message: string; hint: string } {
  return {
    message: `a template of ${type} requires the variable "${variable}", and the rule ${rule} does not give it`,
    hint: `declare it in notifications.yaml and write in the rule: variables: { ${variable}: event.${variable} }`,
  };
}

/** Reports rules whose notifications would fail for want of a variable that a template of the API requires. */
export function checkUnfilledVariables(data: CatalogData, report: Report): void {
  for (const unfilled of findUnfilledVariables(data)) {
    const { message, hint } = describeUnfilled(unfilled);
    report('unfilled_variable', ['rules', unfilled.rule], message, hint);
  }
}
