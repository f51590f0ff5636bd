import { type FieldPath, NamedFields } from '../../events/named-fields.ts';
import { expressionsOf } from '../../rules/address-reads.ts';
import type { CompiledRule } from '../../rules/rule-set.ts';
import type { CompiledTemplate } from '../../templates/template.ts';

/** Returns the fields of events that rules and templates name; all of them where one is used whole, or by a computed name. */
export function findNamedFields(rules: Iterable<CompiledRule>, templates: Iterable<CompiledTemplate>): NamedFields {
  const paths: FieldPath[] = [];
  for (const compiled of rules) {
    for (const { trait } of compiled.rule.changes ?? []) paths.push(['traits', trait]);
    if (compiled.rule.about) paths.push(['event', 'notification_type']);
    for (const { paths: named } of expressionsOf(compiled)) paths.push(...named.flatMap(toFieldPaths));
  }
  for (const template of templates) paths.push(...template.paths.flatMap(toFieldPaths));
  return new NamedFields(paths);
}

const WHOLE: readonly FieldPath[] = [['event'], ['traits']];

/** @param path of an expression or a template: it starts with a variable, and a number stands for any item of a list */
function toFieldPaths(path: readonly (string | number)[]): readonly FieldPath[] {
  const [root, ...rest] = path;
  switch (root) {
    case 'event':
    case 'traits':
      return [[root, ...namesOf(rest)]];
    case 'matched':
      return [['event', ...namesOf(rest.slice(1))]];
    case 'items':
      // The list itself has no fields.
      return rest.length === 0 ? [] : toItemPaths(rest.slice(1));
    case undefined:
      return WHOLE;
    default:
      return [];
  }
}

function toItemPaths([part, ...rest]: readonly (string | number)[]): readonly FieldPath[] {
  if (part === undefined || typeof part === 'number') return WHOLE;
  return part === 'event' || part === 'traits' ? [[part, ...namesOf(rest)]] : [];
}

/** Returns the names up to the first step into a list. */
function namesOf(path: readonly (string | number)[]): string[] {
  const end = path.findIndex((step) => typeof step === 'number');
  return (end < 0 ? path : path.slice(0, end)).map(String);
}
