import { some } from '../../expressions/hints.ts';
import { DYN, fieldNames, type Type, typeOfField } from '../../expressions/type.ts';
import { inWords } from '../../expressions/value.ts';
import { findNearest } from '../../lib/did-you-mean.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { compilePart, type FieldPath, type NamedField, ROOTS } from '../../templates/compile.ts';
import type { CatalogSource } from '../parse/parse.ts';
import { DEFAULT_LOCALE } from '../parse/templates.ts';
import type { ReportAt } from './findings.ts';
import { type TemplateContext, templateContexts } from './template-context.ts';

/** Fields that templates name and nobody has said to be there, whichever way the notification is made: they show nothing. */
export function checkTemplates(data: CatalogData, files: CatalogSource, tell: ReportAt): void {
  const waysTo = templateContexts(data);
  for (const [file, text] of files) {
    const [, notification = '', channel] = /^templates\/([^/]+)\/([^/.]+)\./.exec(file) ?? [];
    const ways = waysTo(notification, channel as Channel);
    if (ways.length === 0) continue;
    // As it is written: the HTML that MJML becomes has other lines.
    const compiled = compilePart(text, { html: /\.(?:html|mjml)$/.test(file), locale: DEFAULT_LOCALE });
    for (const field of 'fields' in compiled ? compiled.fields : []) {
      const { line, column } = field;
      const said = absence(field, ways, notification);
      if (said) tell('undeclared_field', { file, line, column }, said.message, said.hint);
    }
  }
}

/** Why the field is not there; nothing where it may be. */
function absence({ path, written }: NamedField, ways: readonly TemplateContext[], notification: string) {
  const reached: End[] = [];
  for (const { schema } of ways) {
    const end = endOf({ kind: 'map', schema }, path);
    if (end === undefined) return undefined;
    reached.push(end);
  }
  const step = Math.max(...reached.map((end) => end.step));
  const own = path.length - written;
  // What the block around it lacks is told of the block.
  if (step < own) return undefined;

  const name = String(path[step]);
  if (step === 0) return { message: `there is no "${name}" where ${notification} is sent`, hint: COMES_WITH[name] };
  const where = inTemplate(path.slice(0, step));
  const types = reached.filter((end) => end.step === step).map(({ type }) => type);
  const names = [...new Set(types.flatMap(fieldNames))];
  const { kind } = types.find((type) => type.kind === 'map') ?? types[0]!;
  if (kind !== 'map' && kind !== 'dyn') {
    return { message: `${where} is ${inWords([kind])}, it has no field "${name}"`, hint: undefined };
  }
  const message = `${where} has no field "${name}"${names.length > 0 ? `: it has ${some(names)}` : ''}`;
  // A block does not see what is outside of it.
  const isOutside = step === own && (ROOTS as readonly string[]).includes(name);
  return { message, hint: isOutside ? meant(['@root', ...path.slice(own)]) : hintFor(path, step, names, ways) };
}

/** How far a path leads, and what is there. */
interface End {
  readonly step: number;
  readonly type: Type;
}

/** Nothing where the field may be there. */
function endOf(top: Type, path: FieldPath): End | undefined {
  let type = top;
  for (const [step, name] of path.entries()) {
    const next = memberOf(type, name);
    if (next === undefined) return { step, type };
    type = next;
  }
  return undefined;
}

/** As `member` of src/templates/helpers.ts finds it, and `{{#each}}`. */
function memberOf(type: Type, name: string | number): Type | undefined {
  const { kind, item = DYN } = type;
  if (kind === 'list' && (typeof name === 'number' || /^\d+$/.test(name))) return item;
  // Of what has no items, the block is not rendered.
  if (kind === 'dyn' || typeof name === 'number') return DYN;
  if (kind === 'map') return typeOfField(type, name);
  return name === 'length' && (kind === 'list' || kind === 'string') ? DYN : undefined;
}

function hintFor(
  path: FieldPath,
  step: number,
  names: readonly string[],
  ways: readonly TemplateContext[],
): string | undefined {
  const name = String(path[step]);
  const dotted = names.find((other) => `${path.slice(step).join('.')}.`.startsWith(`${other}.`));
  if (dotted !== undefined) return `write ${inTemplate([...path.slice(0, step), dotted])}`;
  const near = findNearest(name, names);
  if (near !== undefined) return meant([near]);
  if (step > 1) return undefined;
  const isThere = (root: string) => ways.some(({ schema }) => namesIn(schema, root).includes(name));
  const other = ['event', 'user', 'data'].find((root) => root !== path[0] && isThere(root));
  if (other !== undefined) return meant([other, name]);
  const hasEvent = path[0] === 'event' || path[0] === 'traits' ? ways.some(({ rule }) => !rule.every) : true;
  return hasEvent ? undefined : 'a rule with "every" acts without an event';
}

function namesIn(schema: JsonObject, root: string): string[] {
  return fieldNames(typeOfField({ kind: 'map', schema }, root) ?? DYN);
}

/** What makes the names that are not always there. */
const COMES_WITH: { readonly [root: string]: string | undefined } = {
  data: 'it comes with "data" or "split"',
  matched: 'it comes with "after"',
  items: 'it comes with "digest"',
  total: 'it comes with "digest"',
};

function meant(path: FieldPath): string {
  return `did you mean ${inTemplate(path)}?`;
}

/** `items[].event`, `matched.[cart.updated]`: as a template names it, but for the items of a list. */
function inTemplate(path: FieldPath): string {
  const steps = path.map((step) =>
    typeof step === 'number' ? '[]' : /^@?[\w-]+$/.test(step) ? `.${step}` : `.[${step}]`,
  );
  return steps.join('').replace(/^\./, '');
}
