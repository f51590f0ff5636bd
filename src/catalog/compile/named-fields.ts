import { type FieldPath, FieldsByType } from '../../events/named-fields.ts';
import { getTemplateType } from '../../model/frequency.ts';
import { PREFERENCE_UPDATED } from '../../model/terms.ts';
import { type CompiledRule, listVariables } from '../../rules/compile/rule-set.ts';
import type { CompiledTemplate } from '../../templates/template.ts';

/** Path of an expression or a template: it starts with a variable, and a number stands for any item of a list. */
type Path = readonly (string | number)[];

/**
 * Returns the fields that rules and their templates name of each type of event; all of them where an event is used whole, or
 * a field by a computed name.
 */
export function findNamedFields(
  rules: Iterable<CompiledRule>,
  templates: Iterable<Pick<CompiledTemplate, 'notificationType' | 'paths'>>,
): FieldsByType {
  const shown = new Map<string, Path[]>();
  for (const { notificationType, paths } of templates) {
    const type = getTemplateType(notificationType);
    shown.set(type, [...(shown.get(type) ?? []), ...paths]);
  }
  const fields = new FieldsByType();
  for (const compiled of rules) {
    addRule(fields, compiled);
    for (const type of compiled.types) addPaths(fields, compiled, shown.get(type) ?? []);
  }
  // Terms are merged from whole events.
  fields.add(PREFERENCE_UPDATED, ['event']);
  return fields;
}

function addRule(fields: FieldsByType, compiled: CompiledRule): void {
  const { rule, condition, audience, key, at, sameAfter, sameCount, sameUnless, branches, data, actions } = compiled;
  for (const { trait } of rule.changes ?? []) fields.add(undefined, ['traits', trait]);
  // The content and the variables of a request are needed when it is sent.
  if (compiled.isDirect) for (const path of WHOLE) addToTriggers(fields, compiled, path);
  if (compiled.comparesEvents) addToTriggers(fields, compiled, ['event']);
  if (rule.about) addToTriggers(fields, compiled, ['event', 'notification_type']);
  const values = [...data, ...listVariables(compiled), ...actions.flat()].map(([, value]) => value);
  for (const one of [condition, audience, at, ...branches, ...values]) addPaths(fields, compiled, one?.paths ?? []);
  // These are evaluated on the events of the pattern, and on those that end a wait, as on triggers.
  const { after, count, unless, cancelOn } = rule;
  const others = [...after.map(({ event }) => event), ...(count?.of ?? []), ...(unless?.events ?? []), ...cancelOn];
  if (count?.window.kind === 'since') others.push(count.window.event);
  for (const one of [key, ...sameAfter, sameCount, sameUnless]) {
    for (const [root, ...rest] of one?.paths ?? []) {
      if (root !== 'event' && root !== 'traits' && root !== 'context') continue;
      const path = root === 'context' ? CONTEXT : [root, ...namesOf(rest)];
      addToTriggers(fields, compiled, path);
      for (const type of others) fields.add(type, path);
    }
  }
}

/** Adds what the paths name: of the triggers, of the matched events by their type, and of the items of a digest. */
function addPaths(fields: FieldsByType, compiled: CompiledRule, paths: readonly Path[]): void {
  for (const [root, ...rest] of paths) {
    if (root === 'event' || root === 'traits') addToTriggers(fields, compiled, [root, ...namesOf(rest)]);
    else if (root === 'context') addToTriggers(fields, compiled, CONTEXT);
    else if (root === 'matched') addMatched(fields, compiled, rest);
    // The list itself has no fields.
    else if (root === 'items' && rest.length > 0) addItems(fields, compiled, rest.slice(1));
    else if (root === undefined) for (const path of WHOLE) addToTriggers(fields, compiled, path);
  }
}

/** A context is small: it is read as a whole. */
const CONTEXT: FieldPath = ['context'];

const WHOLE: readonly FieldPath[] = [['event'], ['traits'], CONTEXT];

function addMatched(fields: FieldsByType, { rule }: CompiledRule, [type, ...rest]: Path): void {
  for (const { event } of rule.after) {
    if (typeof type !== 'string' || type === event) fields.add(event, ['event', ...namesOf(rest)]);
  }
}

function addItems(fields: FieldsByType, compiled: CompiledRule, [part, ...rest]: Path): void {
  if (part === undefined || typeof part === 'number') for (const path of WHOLE) addToTriggers(fields, compiled, path);
  else if (part === 'event' || part === 'traits') addToTriggers(fields, compiled, [part, ...namesOf(rest)]);
}

/** A change of a trait triggers a rule with an event of any type. */
function addToTriggers(fields: FieldsByType, { rule }: CompiledRule, path: FieldPath): void {
  if (rule.changes) fields.add(undefined, path);
  for (const type of rule.on) fields.add(type, path);
}

/** Returns the names up to the first step into a list. */
function namesOf(path: Path): string[] {
  const end = path.findIndex((step) => typeof step === 'number');
  return (end < 0 ? path : path.slice(0, end)).map(String);
}
