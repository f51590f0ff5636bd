import { joinNames } from '../../expressions/hints.ts';
import { DYN, getFieldNames, getFieldType, type Type } from '../../expressions/type.ts';
import { describeKinds } from '../../expressions/value.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { compilePart, compileValue } from '../../templates/compile.ts';
import { type CompileOptions, type FieldPath, type NamedField, ROOTS } from '../../templates/compile-path.ts';
import { listVariableNames } from '../../templates/template.ts';
import type { CatalogFiles } from '../catalog-files.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import { readStructure } from '../parse/structure-file.ts';
import { Problems } from '../problems.ts';
import type { ReportAt } from './findings.ts';
import { type TemplateContext, templateContexts } from './template-context.ts';

/** Reports fields in templates that nothing declares, in whichever way the notification comes about: they show nothing. */
export function checkTemplates(data: CatalogData, files: CatalogFiles, report: ReportAt): void {
  const listContexts = templateContexts(data);
  const own = new Map(data.notifications.map((type) => [type.name, type.variables]));
  const listNames = (type: string) => listVariableNames({ own: own.get(type), shared: data.variables });
  for (const [file, text] of files) {
    const [, notification = '', channel] = /^templates\/([^/]+)\/([^/.]+)\./.exec(file) ?? [];
    const contexts = listContexts(notification, channel as Channel);
    if (contexts.length === 0) continue;
    const options = { locale: DEFAULT_LOCALE, variables: listNames(notification), isOpen: true };
    const isStructure = /\.(?:ya?ml|json)$/.test(file);
    for (const field of isStructure ? listStructureFields(file, text, options) : listFields(file, text, options)) {
      const { line, column } = field;
      const problem = findMissingField(field, contexts, notification);
      if (problem) report('undeclared_field', { file, line, column }, problem.message, problem.hint);
    }
  }
}

type Options = Omit<CompileOptions, 'html'>;

/** Returns the fields of a text or HTML. The file is compiled as it is written: the HTML that MJML becomes has other lines. */
function listFields(file: string, text: string, options: Options): readonly NamedField[] {
  const compiled = compilePart(text, { ...options, html: /\.(?:html|mjml)$/.test(file) });
  return 'fields' in compiled ? compiled.fields : [];
}

/** Returns the fields of each value, at the place of the value. */
function listStructureFields(file: string, source: string, options: Options): readonly NamedField[] {
  const structure = readStructure(file, source, new Problems());
  return (structure?.texts ?? []).flatMap(({ line, column, text }) => {
    const compiled = compileValue(text, options);
    return 'fields' in compiled ? compiled.fields.map((field) => ({ ...field, line, column })) : [];
  });
}

/** Returns why a field is there in no context, or undefined if it may be there in one of them. */
export function findMissingField(
  { path, written }: NamedField,
  contexts: readonly TemplateContext[],
  notification: string,
): { readonly message: string; readonly hint: string | undefined } | undefined {
  const ends: PathEnd[] = [];
  for (const { schema } of contexts) {
    const end = followPath({ kind: 'map', schema }, path);
    if (end === undefined) return undefined;
    ends.push(end);
  }
  const step = Math.max(...ends.map((end) => end.step));
  const ownStart = path.length - written;
  // A field that the surrounding block lacks is reported at the block.
  if (step < ownStart) return undefined;

  const name = String(path[step]);
  if (step === 0) return { message: `there is no "${name}" where ${notification} is sent`, hint: SOURCE_HINTS[name] };
  const where = formatPath(path.slice(0, step));
  const types = ends.filter((end) => end.step === step).map(({ type }) => type);
  const names = [...new Set(types.flatMap(getFieldNames))];
  const { kind } = types.find((type) => type.kind === 'map') ?? types[0]!;
  if (kind !== 'map' && kind !== 'dyn') {
    return { message: `${where} is ${describeKinds([kind])} and has no field "${name}"`, hint: undefined };
  }
  const message = `${where} has no field "${name}"${names.length > 0 ? `: it has ${joinNames(names)}` : ''}`;
  // Inside a block, a name of the top level needs @root.
  const isOutside = step === ownStart && (ROOTS as readonly string[]).includes(name);
  const hint = isOutside ? didYouMean(['@root', ...path.slice(ownStart)]) : findHint(path, step, names, contexts);
  return { message, hint };
}

/** The step of a path that leads nowhere, and the type in which it was looked up. */
interface PathEnd {
  readonly step: number;
  readonly type: Type;
}

/** Follows a path through the types. Returns undefined if the field may be there. */
function followPath(top: Type, path: FieldPath): PathEnd | undefined {
  let type = top;
  for (const [step, name] of path.entries()) {
    const next = getMemberType(type, name);
    if (next === undefined) return { step, type };
    type = next;
  }
  return undefined;
}

/** Returns the type of a member by the rules of `getMember` in src/templates/helpers.ts and of `{{#each}}`. */
function getMemberType(type: Type, name: string | number): Type | undefined {
  const { kind, item = DYN } = type;
  if (kind === 'list' && (typeof name === 'number' || /^\d+$/.test(name))) return item;
  // A block over a value without items is not rendered.
  if (kind === 'dyn' || typeof name === 'number') return DYN;
  if (kind === 'map') return getFieldType(type, name);
  return name === 'length' && (kind === 'list' || kind === 'string') ? DYN : undefined;
}

function findHint(
  path: FieldPath,
  step: number,
  names: readonly string[],
  contexts: readonly TemplateContext[],
): string | undefined {
  const name = String(path[step]);
  const dotted = names.find((other) => `${path.slice(step).join('.')}.`.startsWith(`${other}.`));
  if (dotted !== undefined) return `write ${formatPath([...path.slice(0, step), dotted])}`;
  const near = findNearest(name, names);
  if (near !== undefined) return didYouMean([near]);
  if (step > 1) return undefined;
  const isUnder = (root: string) => contexts.some(({ schema }) => getNamesUnder(schema, root).includes(name));
  const other = ['event', 'user', 'data'].find((root) => root !== path[0] && isUnder(root));
  if (other !== undefined) return didYouMean([other, name]);
  const needsEvent = path[0] === 'event' || path[0] === 'traits';
  const hasEvent = !needsEvent || contexts.some(({ rule }) => !rule.every);
  return hasEvent ? undefined : 'a rule with "every" acts without an event';
}

function getNamesUnder(schema: JsonObject, root: string): string[] {
  return getFieldNames(getFieldType({ kind: 'map', schema }, root) ?? DYN);
}

/** Hints for the top-level names that exist only beside certain keys of the rule. */
const SOURCE_HINTS: { readonly [root: string]: string | undefined } = {
  data: 'it comes with "data" or "split"',
  matched: 'it comes with "after"',
  items: 'it comes with "digest"',
  total: 'it comes with "digest"',
};

function didYouMean(path: FieldPath): string {
  return `did you mean ${formatPath(path)}?`;
}

/** Formats a path as templates write it, `matched.[cart.updated]`; the items of a list are `[]`, as in `items[].event`. */
export function formatPath(path: FieldPath): string {
  const steps = path.map((step) =>
    typeof step === 'number' ? '[]' : /^@?[\w-]+$/.test(step) ? `.${step}` : `.[${step}]`,
  );
  return steps.join('').replace(/^\./, '');
}
