import { findNearest } from '../../../lib/text/did-you-mean.ts';
import type { Rule, Variables } from '../../../model/catalog.ts';
import { getSentTypes } from '../../../rules/compile/rule-set.ts';
import { DIGEST_NAMES, RESERVED_NAMES } from '../../../templates/values.ts';
import { COMMON_VARIABLES } from '../../../templates/variables.ts';
import { checkFilled, type Fields } from '../fields.ts';
import type { Entry } from '../yaml.ts';
import { type ExpressionScope, parseValueField } from './expressions.ts';
import type { RuleContext } from './rule-context.ts';

const EXAMPLE = 'variables: { amount: event.amount }, or variables: event.data';

/**
 * Parses `variables`: an expression that gives an object, or one for each variable. Checks that they are declared, and that
 * those which a notification needs are there, if their names are written out.
 */
export function parseRuleVariables(
  ctx: RuleContext,
  rule: Entry,
  found: Fields,
  scope: ExpressionScope,
  sent: Pick<Rule, 'notify' | 'choose' | 'split'>,
): Pick<Rule, 'variables'> {
  const declared = [...getSentTypes(sent as Rule)].map((type) => {
    return [type, ctx.notifications?.get(type)?.type.variables ?? {}] as const;
  });
  if (found.has('digest')) checkDigest(ctx, rule.at, declared);
  const entry = found.get('variables');
  if (entry === undefined) {
    checkRequired(ctx, rule.at, declared, []);
    return {};
  }
  checkFilled(ctx.file, entry.value, '"variables"', EXAMPLE);
  if (entry.value.kind !== 'map') {
    const all = entry.value.kind === 'null' ? undefined : parseValueField(ctx, entry, scope, EXAMPLE);
    return all === undefined ? {} : { variables: all };
  }
  const known = [...new Set([...COMMON_VARIABLES, ...declared.flatMap(([, variables]) => Object.keys(variables))])];
  const variables: { [name: string]: string } = {};
  for (const part of entry.value.entries) {
    if (ctx.notifications !== undefined && (!known.includes(part.key) || RESERVED_NAMES.has(part.key))) {
      const near = findNearest(part.key, known);
      const types = declared.map(([type]) => type).join(' or ');
      const hint = near ? `did you mean ${near}?` : 'declare it with "variables" in notifications.yaml';
      ctx.report(part.at, `${types} has no variable ${JSON.stringify(part.key.slice(0, 60))}`, hint);
    }
    const value = parseValueField(ctx, part, scope, EXAMPLE);
    if (value !== undefined) variables[part.key] = value;
  }
  checkRequired(ctx, entry.at, declared, Object.keys(variables));
  return { variables };
}

/** Reports variables that have the names of the data of a digest. */
function checkDigest(ctx: RuleContext, at: number, declared: readonly (readonly [type: string, Variables])[]): void {
  for (const [type, variables] of declared) {
    for (const name of Object.keys(variables).filter((name) => DIGEST_NAMES.has(name))) {
      ctx.report(at, `${type} has a variable "${name}", and a digest has another "${name}"`, 'choose another name');
    }
  }
}

function checkRequired(
  ctx: RuleContext,
  at: number,
  declared: readonly (readonly [type: string, Variables])[],
  given: readonly string[],
): void {
  for (const [type, variables] of declared) {
    for (const [name, { required }] of Object.entries(variables)) {
      if (!required || given.includes(name) || (COMMON_VARIABLES as readonly string[]).includes(name)) continue;
      ctx.report(at, `${type} requires the variable "${name}"`, `variables: { ${name}: event.${name} }`);
    }
  }
}
