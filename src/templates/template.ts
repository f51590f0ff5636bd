import { findNearest } from '../lib/text/did-you-mean.ts';
import type { StoredVersion, Template, Variables } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { ChannelDescriptor, PartName } from '../model/channels/descriptor.ts';
import type { Channel, Message } from '../model/delivery.ts';
import type { AddressKind, Json, JsonObject } from '../model/event.ts';
import { findAddressesInTemplate } from '../privacy/template-reads.ts';
import { isBlankHtml, isBlankText } from './blank.ts';
import { compilePart, type Part } from './compile.ts';
import type { CompileOptions, FieldPath, NamedField } from './compile-path.ts';
import { findExcess, isBounded } from './excess.ts';
import { getMember, toText, type Value } from './helpers.ts';
import type { PartProblem } from './parse.ts';
import { deriveTextTemplate } from './plain-text.ts';
import { addPreheader, removePreheader } from './preheader.ts';
import { EXTRA_PARTS, type ExtraPart, readPart, STRUCTURED_PARTS } from './read-part.ts';
import { RenderLimit } from './run.ts';
import { compileStructure, type ValuePath } from './structure.ts';
import { tidyHtml, tidySubject, tidyText } from './tidy.ts';
import type { TemplateVariables } from './values.ts';
import { COMMON_VARIABLES } from './variables.ts';

/*
 * Templates: Handlebars with the blocks `if`, `unless`, `each` and `with` and the helpers of helpers.ts.
 * A template can name the plain JSON passed to `renderMessage`:
 *
 *     { event, traits, user, notification: { id, type, channel, user_id, event_type, event_timestamp },
 *       data?, matched?, items?: [{ event, traits, event_type, event_id, at }], total? }
 *
 * always by its full name (`{{event.amount}}`, never `{{amount}}`), and declared variables at the top level
 * (`{{orderNumber}}`, see values.ts). Missing values render empty.
 */

/** A validated template, which can be rendered any number of times. */
export interface CompiledTemplate {
  readonly notificationType: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly subject: Part | undefined;
  readonly text: Part;
  readonly html: Part | undefined;
  /** The other parts, in the order of messages; undefined: it has no others. */
  readonly extras: readonly CompiledExtra[] | undefined;
  /** Name of the template that the provider keeps, in the place of all parts but the data; undefined: it is rendered here. */
  readonly hosted: string | undefined;
  /** Whether it has other parts, is kept by the provider, or can be too large for its channel: most templates are plain. */
  readonly isSpecial: boolean;
  /** Whether it has a text. Without one a message is data for a program. */
  readonly hasText: boolean;
  /** Fields that the parts name, without the items of lists, in order of appearance. */
  readonly fields: { readonly [part in PartName]?: readonly FieldPath[] };
  /** All fields that the parts name, and what they use as a whole. */
  readonly paths: readonly FieldPath[];
  /** Whether the text is made from the HTML. */
  readonly isTextDerived: boolean;
  /** Kinds of addresses that it reads from `user`; all of them if it uses `user` as a whole. */
  readonly readsUserAddresses: readonly AddressKind[];
  /** The version of a template of the API that it is; undefined: it is one of the files. */
  readonly stored: StoredVersion | undefined;
  /** The test in which it is shown, and the variant that it is in it; absent: it is shown in none. */
  readonly test?: ShownInTest;
  /** Variables of the top level; undefined: it has no declared ones, and names no others. */
  readonly variables: TemplateVariables | undefined;
}

/** A test of variants, and the variant that a user is shown. */
export interface ShownInTest {
  readonly id: string;
  readonly variant: string;
}

/** Variables that are declared for a template: of its notification type, and of the whole catalog. */
export interface DeclaredVariables {
  readonly own?: Variables | undefined;
  readonly shared?: Variables | undefined;
}

export interface TemplateProblem extends PartProblem {
  readonly part: string;
  /** For a structured part: where in it the value stands, whose lines and columns are given. */
  readonly at?: ValuePath;
}

interface CompiledExtra {
  readonly part: ExtraPart;
  readonly render: (data: JsonObject) => Value;
}

/** Name, among the parts of a stored template, of the one that holds the name of a template of the provider. */
export const HOSTED_PART = 'provider_template';

/** Returns the names that templates may have at the top level beside ROOTS. */
export function listVariableNames({ own = {}, shared = {} }: DeclaredVariables): ReadonlySet<string> {
  return new Set([...COMMON_VARIABLES, ...Object.keys(shared), ...Object.keys(own)]);
}

/** Compiles every part of a template. Returns all problems if it is invalid; never throws. */
export function compileTemplate(
  template: Template,
  declared: DeclaredVariables = {},
): { readonly template: CompiledTemplate } | { readonly problems: readonly TemplateProblem[] } {
  const problems = checkParts(template);
  const { channel, locale, parts } = template;
  const variables = listVariableNames(declared);
  const hosted = getOwn(parts, HOSTED_PART);
  const fields: { [part in PartName]?: readonly FieldPath[] } = {};
  const paths: FieldPath[] = [];
  const note = (name: PartName, part: { fields: readonly NamedField[]; wholes: readonly FieldPath[] }) => {
    paths.push(...part.fields.map(({ path }) => path), ...part.wholes);
    fields[name] = part.fields.map(({ path }) => path).filter((path) => path.every((step) => step !== 0));
  };
  const compile = (name: PartName, source: string | undefined): Part | undefined => {
    if (source === undefined) return undefined;
    const compiled = compilePart(source, { html: name === 'html', locale, variables });
    if ('part' in compiled) {
      note(name, compiled);
      return compiled.part;
    }
    problems.push(...compiled.problems.map((problem) => ({ part: name, ...problem })));
    return undefined;
  };
  const subject = compile('subject', getOwn(parts, 'subject'));
  const preheader = getOwn(parts, 'preheader');
  compile('preheader', preheader);
  const source = getOwn(parts, 'html');
  let html = compile('html', source);
  // Both were read by themselves first, so that their problems are at their own places.
  if (html && source && preheader && problems.length === 0) html = compile('html', addPreheader(source, preheader));
  const own = compile('text', getOwn(parts, 'text'));
  const text = own ?? (html ? deriveText(parts.html ?? '', { locale, variables }, problems) : renderNothing);
  const extras: CompiledExtra[] = [];
  for (const part of EXTRA_PARTS) {
    const source = getOwn(parts, part);
    if (source === undefined) continue;
    if (!STRUCTURED_PARTS.has(part)) {
      const render = compile(part, source);
      if (render) extras.push({ part, render });
      continue;
    }
    const compiled = compileStructure(source, { locale, variables });
    if ('problems' in compiled) problems.push(...compiled.problems.map((problem) => ({ part, ...problem })));
    else {
      note(part, compiled);
      extras.push({ part, render: compiled.render });
    }
  }
  if (problems.length > 0 || text === undefined) return { problems };
  const { notificationType } = template;
  const hasText = own !== undefined || html !== undefined;
  const isTextDerived = own === undefined && hasText;
  // Without data of its own, a template of the provider gets all that a template of ours can name.
  const getsAll = hosted !== undefined && extras.length === 0;
  if (getsAll) paths.push([]);
  const read = getsAll ? '{{@root}}' : Object.values(parts).join('\n');
  const { own: ofType = {}, shared = {} } = declared;
  const isNamed = paths.some(([first]) => typeof first === 'string' && variables.has(first));
  const hasVariables = isNamed || getsAll || Object.keys(ofType).length > 0;
  const kinds = findAddressesInTemplate(read, 'user');
  const readsEmail = paths.some(([first]) => first === 'user_email') && !kinds.includes('email');
  const readsUserAddresses: readonly AddressKind[] = readsEmail ? [...kinds, 'email'] : kinds;
  const compiled = {
    notificationType,
    channel,
    locale,
    subject,
    text,
    html,
    extras: extras.length === 0 ? undefined : extras,
    hosted,
    isSpecial: extras.length > 0 || hosted !== undefined || isBounded(channel, Object.keys(parts)),
    hasText,
    fields,
    paths,
    isTextDerived,
    readsUserAddresses,
    stored: template.stored,
    variables: hasVariables ? { own: ofType, shared } : undefined,
  };
  return { template: compiled };
}

/**
 * Renders a message. Returns a sentence if a limit is exceeded (a part too long, a list with too many items), or if a part is
 * not what its channel takes. Never throws.
 */
export function renderMessage(
  template: CompiledTemplate,
  data: JsonObject,
): { readonly message: Message } | { readonly error: string } {
  let part = 'subject';
  try {
    const subject = template.subject && tidySubject(template.subject(data));
    part = 'text';
    const text = tidyText(template.text(data));
    part = 'html';
    const html = template.html && tidyHtml(template.html(data));
    const message: Message = {
      ...(subject === undefined ? {} : { subject }),
      text,
      ...(html === undefined ? {} : { html }),
    };
    if (!template.isSpecial) return { message };
    let whole = message;
    for (const extra of template.extras ?? []) {
      part = extra.part;
      whole = { ...whole, ...readPart(extra.part, extra.render(data)) };
    }
    if (template.hosted !== undefined) return { message: toHosted(template.hosted, whole, data) };
    const excess = findExcess(template.channel, whole);
    if (excess !== undefined) return { error: `The ${excess.replace('{}', template.notificationType)}` };
    return { message: whole };
  } catch (error) {
    // The message of any other error may quote the data, which must not reach a log.
    const why = error instanceof RenderLimit ? error.message : 'the data cannot be read';
    return { error: `The ${part} part of ${template.notificationType} cannot be rendered: ${why}.` };
  }
}

const renderNothing: Part = () => '';

function toHosted(template: string, { data: own }: Message, data: JsonObject): Message {
  return { text: '', hosted: { template, data: own ?? data } };
}

/**
 * Returns why a rendered message must not be sent, with the names of the missing values: a part of it is blank. Returns
 * undefined for a message that may be sent.
 */
export function explainBlank(template: CompiledTemplate, message: Message, data: JsonObject): string | undefined {
  const part = findBlankPart(template, message);
  if (part === undefined) return undefined;
  const missing = (template.fields[part] ?? []).filter((path) => isBlankText(toText(getAt(data, path))));
  const names = [...new Set(missing.map((path) => path.join('.')))].slice(0, MAX_NAMED_FIELDS);
  const why = names.length === 0 ? '' : `: ${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} missing`;
  return `The ${part} of ${template.notificationType} is empty${why}.`;
}

const MAX_NAMED_FIELDS = 5;

/** A message is blank if its reader sees nothing in a part. HTML may consist of images, and then has no text. */
function findBlankPart(template: CompiledTemplate, message: Message): PartName | undefined {
  const { isTextDerived } = template;
  const { subject, text, html } = message;
  if (template.hosted !== undefined) return undefined;
  if (subject !== undefined && isBlankText(subject)) return 'subject';
  if (message.title !== undefined && isBlankText(message.title)) return 'title';
  if (!template.hasText) return undefined;
  // Text that is made from the HTML shows that the HTML has some.
  if (isTextDerived && !isBlankText(text)) return undefined;
  if (html !== undefined && isBlankHtml(removePreheader(html))) return 'html';
  return isBlankText(text) && (html === undefined || !isTextDerived) ? 'text' : undefined;
}

function getAt(data: JsonObject, path: FieldPath): Json | undefined {
  return path.reduce<Json | undefined>((value, step) => getMember(value, String(step)), data);
}

/** A template that the provider keeps has at most data of its own. */
const HOSTED_PARTS: ChannelDescriptor['parts'] = { needs: [], oneOf: [], may: ['data'] };

function checkParts(template: Template): TemplateProblem[] {
  const isHosted = Object.hasOwn(template.parts, HOSTED_PART);
  const { needs, oneOf, may } = isHosted ? HOSTED_PARTS : CHANNEL_DESCRIPTORS[template.channel].parts;
  const given = Object.keys(template.parts).filter((name) => name !== HOSTED_PART);
  const known: readonly string[] = [...needs, ...oneOf, ...may];
  const problems: TemplateProblem[] = [];
  for (const part of given.filter((name) => !known.includes(name))) {
    const meant = findNearest(part, known);
    const hint = meant ? `did you mean \`${meant}\`?` : `it takes ${known.join(', ')}`;
    problems.push({ part, message: `${template.channel} has no part \`${part}\``, hint, line: 1, column: 1 });
  }
  for (const part of needs.filter((name) => !given.includes(name))) {
    problems.push({ part, message: `${template.channel} needs a part \`${part}\``, line: 1, column: 1 });
  }
  if (given.includes('preheader') && !given.includes('html')) {
    const message = 'a preheader needs HTML';
    problems.push({ part: 'preheader', message, hint: 'add an HTML part, or leave it out', line: 1, column: 1 });
  }
  if (oneOf.length > 0 && !oneOf.some((name) => given.includes(name))) {
    const message = `${template.channel} needs a part \`${oneOf.join('` or `')}\``;
    problems.push({ part: oneOf[0] ?? '', message, line: 1, column: 1 });
  }
  return problems;
}

function deriveText(
  html: string,
  options: Omit<CompileOptions, 'html'>,
  problems: TemplateProblem[],
): Part | undefined {
  try {
    const compiled = compilePart(deriveTextTemplate(html), { ...options, html: false });
    if ('part' in compiled) return compiled.part;
    // A block opens in markup that the text omits (a comment, an attribute) and closes in markup that it keeps.
  } catch {
    // The HTML cannot be parsed.
  }
  const message = 'no text can be made of this HTML';
  problems.push({ part: 'html', message, hint: 'add a text part', line: 1, column: 1 });
  return undefined;
}

function getOwn(parts: Template['parts'], name: string): string | undefined {
  return Object.hasOwn(parts, name) ? parts[name] : undefined;
}
