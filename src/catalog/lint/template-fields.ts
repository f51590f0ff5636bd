import { getFieldNames, getFieldType, type Type, toType } from '../../expressions/type.ts';
import type { CatalogData, Template } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import type { FieldPath } from '../../templates/compile-path.ts';
import { templateContexts } from './template-context.ts';
import { findMissingField, formatPath } from './templates.ts';

/** A field that templates of a notification type show, or could show. */
export interface TemplateField {
  /** As templates write it, such as `event.amount`; items of a list are `[]`. */
  readonly path: string;
  /** By the schemas and declarations; null: they do not say. */
  readonly type: 'text' | 'number' | 'boolean' | 'list' | 'object' | null;
  /** The `format` of a text, such as `date-time`. */
  readonly format?: string;
  /** `missing`: a template shows it, and nothing declares it. */
  readonly state: 'used' | 'unused' | 'missing';
  /** Templates that show it, such as `email en`. */
  readonly shown_by: readonly string[];
  /** Why it shows nothing. */
  readonly problem?: string;
}

/** A template with the fields that it names. */
export interface NamedFields {
  readonly template: Pick<Template, 'channel' | 'locale' | 'variant'>;
  readonly paths: readonly FieldPath[];
}

/** Fields below a root that are listed: event.shipping.address.city. */
const MAX_DEPTH = 4;
/** Fields of a type that are listed. */
const MAX_FIELDS = 400;
/** Different fields of templates that are looked at, and ways in which a type comes about. */
const MAX_SHOWN = 1000;
const MAX_CONTEXTS = 200;
/** Roots that are listed where a template shows them, and not as what it could show. */
const QUIET_ROOTS: ReadonlySet<string> = new Set(['traits', 'context', 'notification']);

const KINDS: { readonly [kind in Type['kind']]?: TemplateField['type'] } = {
  ...{ string: 'text', number: 'number', bool: 'boolean', list: 'list', map: 'object' },
};

/**
 * Returns the fields of a notification type: those that its rules, the schemas of their events, the traits and the variables
 * declare, and those that its templates show. In order of path, those that are shown first.
 */
export function listTemplateFields(
  data: CatalogData,
  notification: string,
  templates: readonly NamedFields[],
): readonly TemplateField[] {
  const contextsOf = templateContexts(data);
  const channels = data.notifications.find(({ name }) => name === notification)?.channels ?? [];
  const known = new Map<string, Type>();
  for (const channel of channels) {
    for (const { schema } of contextsOf(notification, channel).slice(0, MAX_CONTEXTS)) addDeclared(known, schema);
  }
  const shown = new Map<string, { readonly by: string[]; readonly problems: (string | undefined)[] }>();
  for (const { template, paths } of templates) {
    const { channel, locale, variant } = template;
    const contexts = contextsOf(notification, channel as Channel).slice(0, MAX_CONTEXTS);
    const name = `${channel} ${variant === undefined ? locale : `${locale}@${variant}`}`;
    for (const path of paths) {
      const text = formatPath(path);
      if (text === '' || (shown.size >= MAX_SHOWN && !shown.has(text))) continue;
      const entry = shown.get(text) ?? { by: [], problems: [] };
      shown.set(text, entry);
      if (entry.by.includes(name)) continue;
      entry.by.push(name);
      const named = { path, written: path.length, line: 1, column: 1 };
      const missing = contexts.length === 0 ? undefined : findMissingField(named, contexts, notification);
      entry.problems.push(missing && [missing.message, missing.hint].filter(Boolean).join(': '));
    }
  }
  const used = [...shown].map(([path, { by, problems }]): TemplateField => {
    const problem = problems.find((one) => one !== undefined);
    const state = problem === undefined ? 'used' : 'missing';
    return { path, ...describe(known.get(path)), state, shown_by: by, ...(problem !== undefined && { problem }) };
  });
  const isShown = (path: string) =>
    shown.has(path) || [...shown.keys()].some((one) => one.startsWith(`${path}.`) || one.startsWith(`${path}[`));
  const unused = [...known]
    .filter(([path]) => !QUIET_ROOTS.has(path.split(/[.[]/, 1)[0] as string) && !isShown(path))
    .map(([path, type]): TemplateField => ({ path, ...describe(type), state: 'unused', shown_by: [] }));
  return [...used.sort(byPath), ...unused.sort(byPath)].slice(0, MAX_FIELDS);
}

function describe(type: Type | undefined): Pick<TemplateField, 'type' | 'format'> {
  return { type: (type && KINDS[type.kind]) ?? null, ...(type?.format !== undefined && { format: type.format }) };
}

function byPath(a: TemplateField, b: TemplateField): number {
  return a.path < b.path ? -1 : 1;
}

/** Adds what a schema names. A type that contexts do not agree on is unknown. */
function addDeclared(known: Map<string, Type>, schema: JsonObject): void {
  const add = (path: FieldPath, type: Type): void => {
    if (known.size >= MAX_FIELDS && !known.has(formatPath(path))) return;
    const names = type.kind === 'map' ? getFieldNames(type) : [];
    // A map whose fields are known is shown by its fields.
    if (names.length === 0) merge(known, formatPath(path), type);
    if (path.length >= MAX_DEPTH) return;
    for (const name of names) add([...path, name], getFieldType(type, name) ?? { kind: 'dyn' });
    if (type.kind === 'list' && type.item) add([...path, 0], type.item);
  };
  const top = toType({ ...schema, type: 'object' });
  for (const name of getFieldNames(top)) add([name], getFieldType(top, name) ?? { kind: 'dyn' });
}

function merge(known: Map<string, Type>, path: string, type: Type): void {
  const before = known.get(path);
  known.set(path, before === undefined || before.kind === type.kind ? type : { kind: 'dyn' });
}
