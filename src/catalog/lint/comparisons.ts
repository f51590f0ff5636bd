import type { Declared } from '../../expressions/condition.ts';
import { findUselessComparisons } from '../../expressions/useless-comparisons.ts';
import type { CatalogData, Rule } from '../../model/catalog.ts';
import type { JsonObject } from '../../model/event.ts';
import { LIFECYCLE_EVENTS } from '../lifecycle-events.ts';
import type { Report } from './findings.ts';

type Path = readonly (string | number)[];

/** Reports comparisons with a value that the schema does not have, and terms that exclude each other, in all expressions. */
export function checkComparisons({ events, traits, rules, segments = [] }: CatalogData, report: Report): void {
  for (const { name, condition } of segments) {
    for (const { kind, message, hint } of findUselessComparisons(condition, {
      now: true,
      ...(traits && { user: traits }),
    }))
      report(kind === 'value' ? 'unknown_value' : 'never_true', ['segments', name, 'for'], message, hint);
  }
  const schemas = new Map([...LIFECYCLE_EVENTS, ...events].map(({ name, properties }) => [name, properties]));
  for (const rule of rules) {
    // An event of any type may change a trait.
    const types = rule.every || rule.changes ? [...rule.on, ''] : rule.on;
    const declared = types.map((type) => declareNames(type, rule, schemas, traits));
    for (const [path, text] of listExpressions(rule)) {
      const found = declared.map((names) => findUselessComparisons(text, names));
      for (const one of found[0] ?? []) {
        // Reported only if it holds for every event that may trigger the rule.
        if (!found.every((others) => others.some(({ message }) => message === one.message))) continue;
        const code = one.kind === 'value' ? 'unknown_value' : 'never_true';
        report(code, ['rules', rule.name, ...path], one.message, one.hint);
      }
    }
  }
}

function declareNames(
  type: string,
  { after }: Rule,
  schemas: ReadonlyMap<string, JsonObject | undefined>,
  traits: JsonObject | undefined,
): Declared {
  const event = schemas.get(type);
  return {
    now: true,
    matched: Object.fromEntries(after.map((step) => [step.event, schemas.get(step.event) ?? {}])),
    ...(event && { event }),
    ...(traits && { traits, user: traits }),
  };
}

/** Returns the expressions of a rule that are evaluated on its trigger, with their places. */
function listExpressions(rule: Rule): [Path, string][] {
  const found: [Path, string | undefined][] = [
    [['when'], rule.when],
    // That of a segment is checked where it is written.
    [['for'], rule.segment === undefined ? rule.audience : undefined],
    [['key'], rule.key],
    ...(rule.choose ?? []).map(({ when }, index): [Path, string | undefined] => [['choose', index, 'when'], when]),
    ...listVariables(rule.variables),
    ...Object.entries(rule.data ?? {}).map(([name, text]): [Path, string] => [['data', name], text]),
    ...rule.actions.flatMap((action, index): [Path, string][] => {
      if (action.kind === 'set') return [[['do', index, 'set', action.trait], action.value]];
      if (action.kind === 'cancel') return [];
      return Object.entries(action.properties).map(([name, text]) => [['do', index, 'with', name], text]);
    }),
  ];
  return found.filter((one): one is [Path, string] => one[1] !== undefined);
}

function listVariables(variables: Rule['variables'] = {}): [Path, string][] {
  if (typeof variables === 'string') return [[['variables'], variables]];
  return Object.entries(variables).map(([name, text]) => [['variables', name], text]);
}
