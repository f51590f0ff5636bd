import { findNearest } from '../lib/did-you-mean.ts';
import type { Template } from '../model/catalog.ts';
import type { Channel, Message } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';
import { compilePart, type Part, RenderLimit } from './compile.ts';
import type { PartProblem } from './parse.ts';
import { textTemplateOf } from './plain-text.ts';
import { tidyHtml, tidySubject, tidyText } from './tidy.ts';

/**
 * Templates: Handlebars with the blocks `if`, `unless`, `each` and `with` and the helpers of helpers.ts.
 * What a template can name is the plain JSON given to `renderMessage`:
 *
 *     { event, traits, user, notification: { id, type, channel, user_id, event_type, event_timestamp },
 *       data?, matched?, items?: [{ event, traits, event_type, event_id, at }], total? }
 *
 * always by its full name (`{{event.amount}}`, never `{{amount}}`). What is missing renders empty.
 */

/** A template that was checked and can be rendered any number of times. */
export interface CompiledTemplate {
  readonly notificationType: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly subject: Part | undefined;
  readonly text: Part;
  readonly html: Part | undefined;
}

export interface TemplateProblem extends PartProblem {
  /** `subject`, `text` or `html`. */
  readonly part: string;
}

export type PartName = keyof Message;

/** The parts a channel takes: of `needs` all, of `oneOf` at least one. */
export const CHANNEL_PARTS: Readonly<
  Record<Channel, { readonly [how in 'needs' | 'oneOf' | 'may']: readonly PartName[] }>
> = {
  email: { needs: ['subject'], oneOf: ['html', 'text'], may: [] },
  sms: { needs: ['text'], oneOf: [], may: [] },
  push: { needs: ['text'], oneOf: [], may: ['subject'] },
  in_app: { needs: ['text'], oneOf: [], may: ['subject'] },
  webhook: { needs: ['text'], oneOf: [], may: [] },
  internal: { needs: ['text'], oneOf: [], may: [] },
};

/** Checks every part and prepares it, or tells all that is wrong. Never throws. */
export function compileTemplate(
  template: Template,
): { readonly template: CompiledTemplate } | { readonly problems: readonly TemplateProblem[] } {
  const problems = checkParts(template);
  const { channel, locale, parts } = template;
  const compile = (name: string, source: string | undefined): Part | undefined => {
    if (source === undefined) return undefined;
    const compiled = compilePart(source, { html: name === 'html', locale });
    if ('part' in compiled) return compiled.part;
    problems.push(...compiled.problems.map((problem) => ({ part: name, ...problem })));
    return undefined;
  };
  const subject = compile('subject', own(parts, 'subject'));
  const html = compile('html', own(parts, 'html'));
  const text = compile('text', own(parts, 'text')) ?? (html && derivedText(parts.html ?? '', locale, problems));
  if (problems.length > 0 || text === undefined) return { problems };
  return { template: { notificationType: template.notificationType, channel, locale, subject, text, html } };
}

/** The message, or one sentence why there is none (it is too long, a list has too many items). Never throws. */
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
    // Any other error's text may quote the data, and data is not for logs.
    const why = error instanceof RenderLimit ? error.message : 'the data cannot be read';
    return { error: `The ${part} part of ${template.notificationType} cannot be rendered: ${why}.` };
  }
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

function derivedText(html: string, locale: string, problems: TemplateProblem[]): Part | undefined {
  try {
    const compiled = compilePart(textTemplateOf(html), { html: false, locale });
    if ('part' in compiled) return compiled.part;
    // A block that opens in what text leaves out (a comment, an attribute) and closes in what it keeps.
  } catch {
    // HTML that cannot be read as such.
  }
  const message = 'no text can be made of this HTML';
  problems.push({ part: 'html', message, hint: 'add a text part', line: 1, column: 1 });
  return undefined;
}

function own(parts: Template['parts'], name: string): string | undefined {
  return Object.hasOwn(parts, name) ? parts[name] : undefined;
}
