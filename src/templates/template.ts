import { findNearest } from '../lib/text/did-you-mean.ts';
import type { Template } from '../model/catalog.ts';
import type { Channel, Message } from '../model/delivery.ts';
import type { AddressKind, Json, JsonObject } from '../model/event.ts';
import { findAddressesInTemplate } from '../privacy/template-reads.ts';
import { isBlankHtml, isBlankText } from './blank.ts';
import { compilePart, type FieldPath, type Part, RenderLimit } from './compile.ts';
import { getMember, toText } from './helpers.ts';
import type { PartProblem } from './parse.ts';
import { deriveTextTemplate } from './plain-text.ts';
import { tidyHtml, tidySubject, tidyText } from './tidy.ts';

/*
 * Templates: Handlebars with the blocks `if`, `unless`, `each` and `with` and the helpers of helpers.ts.
 * A template can name the plain JSON passed to `renderMessage`:
 *
 *     { event, traits, user, notification: { id, type, channel, user_id, event_type, event_timestamp },
 *       data?, matched?, items?: [{ event, traits, event_type, event_id, at }], total? }
 *
 * always by its full name (`{{event.amount}}`, never `{{amount}}`). Missing values render empty.
 */

/** A validated template, which can be rendered any number of times. */
export interface CompiledTemplate {
  readonly notificationType: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly subject: Part | undefined;
  readonly text: Part;
  readonly html: Part | undefined;
  /** Fields that the parts name, without the items of lists, in order of appearance. */
  readonly fields: { readonly [part in PartName]?: readonly FieldPath[] };
  /** All fields that the parts name, and what they use as a whole. */
  readonly paths: readonly FieldPath[];
  /** Whether the text is made from the HTML. */
  readonly isTextDerived: boolean;
  /** Kinds of addresses that it reads from `user`; all of them if it uses `user` as a whole. */
  readonly readsUserAddresses: readonly AddressKind[];
}

export interface TemplateProblem extends PartProblem {
  /** `subject`, `text` or `html`. */
  readonly part: string;
}

export type PartName = 'subject' | 'text' | 'html';

/** Parts of a message per channel: all of `needs`, and at least one of `oneOf`. */
export const CHANNEL_PARTS: Readonly<
  Record<Channel, { readonly [how in 'needs' | 'oneOf' | 'may']: readonly PartName[] }>
> = {
  email: { needs: ['subject'], oneOf: ['html', 'text'], may: [] },
  sms: { needs: ['text'], oneOf: [], may: [] },
  push: { needs: ['text'], oneOf: [], may: ['subject'] },
  in_app: { needs: ['text'], oneOf: [], may: ['subject'] },
  webhook: { needs: ['text'], oneOf: [], may: [] },
  chat: { needs: ['text'], oneOf: [], may: [] },
  internal: { needs: ['text'], oneOf: [], may: [] },
};

/** Compiles every part of a template. Returns all problems if it is invalid; never throws. */
export function compileTemplate(
  template: Template,
): { readonly template: CompiledTemplate } | { readonly problems: readonly TemplateProblem[] } {
  const problems = checkParts(template);
  const { channel, locale, parts } = template;
  const fields: { [part in PartName]?: readonly FieldPath[] } = {};
  const paths: FieldPath[] = [];
  const compile = (name: PartName, source: string | undefined): Part | undefined => {
    if (source === undefined) return undefined;
    const compiled = compilePart(source, { html: name === 'html', locale });
    if ('part' in compiled) {
      paths.push(...compiled.fields.map(({ path }) => path), ...compiled.wholes);
      fields[name] = compiled.fields.map(({ path }) => path).filter((path) => path.every((step) => step !== 0));
      return compiled.part;
    }
    problems.push(...compiled.problems.map((problem) => ({ part: name, ...problem })));
    return undefined;
  };
  const subject = compile('subject', getOwn(parts, 'subject'));
  const html = compile('html', getOwn(parts, 'html'));
  const own = compile('text', getOwn(parts, 'text'));
  const text = own ?? (html && deriveText(parts.html ?? '', locale, problems));
  if (problems.length > 0 || text === undefined) return { problems };
  const { notificationType } = template;
  const isTextDerived = own === undefined;
  const readsUserAddresses = findAddressesInTemplate(Object.values(parts).join('\n'), 'user');
  const compiled = {
    notificationType,
    channel,
    locale,
    subject,
    text,
    html,
    fields,
    paths,
    isTextDerived,
    readsUserAddresses,
  };
  return { template: compiled };
}

/** Renders a message. Returns a sentence if a limit is exceeded (too long, a list with too many items). Never throws. */
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
    return {
      message: { ...(subject === undefined ? {} : { subject }), text, ...(html === undefined ? {} : { html }) },
    };
  } catch (error) {
    // The message of any other error may quote the data, which must not reach a log.
    const why = error instanceof RenderLimit ? error.message : 'the data cannot be read';
    return { error: `The ${part} part of ${template.notificationType} cannot be rendered: ${why}.` };
  }
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
function findBlankPart({ isTextDerived }: CompiledTemplate, { subject, text, html }: Message): PartName | undefined {
  if (subject !== undefined && isBlankText(subject)) return 'subject';
  // Text that is made from the HTML shows that the HTML has some.
  if (isTextDerived && !isBlankText(text)) return undefined;
  if (html !== undefined && isBlankHtml(html)) return 'html';
  return isBlankText(text) && (html === undefined || !isTextDerived) ? 'text' : undefined;
}

function getAt(data: JsonObject, path: FieldPath): Json | undefined {
  return path.reduce<Json | undefined>((value, step) => getMember(value, String(step)), data);
}

function checkParts(template: Template): TemplateProblem[] {
  const { needs, oneOf, may } = CHANNEL_PARTS[template.channel];
  const given = Object.keys(template.parts);
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
  if (oneOf.length > 0 && !oneOf.some((name) => given.includes(name))) {
    const message = `${template.channel} needs a part \`${oneOf.join('` or `')}\``;
    problems.push({ part: oneOf[0] ?? '', message, line: 1, column: 1 });
  }
  return problems;
}

function deriveText(html: string, locale: string, problems: TemplateProblem[]): Part | undefined {
  try {
    const compiled = compilePart(deriveTextTemplate(html), { html: false, locale });
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
