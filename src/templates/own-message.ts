import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { PartName } from '../model/channels/descriptor.ts';
import type { Channel, Message } from '../model/delivery.ts';
import type { OwnContent } from '../model/direct.ts';
import type { JsonObject } from '../model/event.ts';
import { isBlankHtml, isBlankText } from './blank.ts';
import { findExcess } from './excess.ts';
import { deriveTextTemplate } from './plain-text.ts';
import { tidyHtml, tidySubject, tidyText } from './tidy.ts';

/** The part of the content of a request that becomes a part of a message. */
const SOURCES: { readonly [part in PartName]?: 'title' | 'text' | 'html' } = {
  subject: 'title',
  title: 'title',
  text: 'text',
  html: 'html',
};

/**
 * Makes the message of a channel from the content that a request brought; it is sent as it is, and is no template. Returns the
 * rest of a sentence that begins with `The content` if it is not what the channel takes.
 * @param variables data for a template that the provider keeps
 */
export function buildOwnMessage(
  channel: Channel,
  content: OwnContent,
  variables: JsonObject,
): { readonly message: Message } | { readonly error: string } {
  const { parts, label, hasHostedTemplates = false } = CHANNEL_DESCRIPTORS[channel];
  if (content.provider_template !== undefined) {
    if (!hasHostedTemplates) return { error: `names a provider_template, and no provider of ${label} keeps templates` };
    return { message: { text: '', hosted: { template: content.provider_template, data: variables } } };
  }
  const has = (part: PartName) => isThere(content, part);
  const missing = parts.needs.find((part) => !has(part));
  if (missing !== undefined) return { error: `has no ${SOURCES[missing] ?? missing}, which ${label} needs` };
  if (parts.oneOf.length > 0 && !parts.oneOf.some(has)) {
    const names = parts.oneOf.flatMap((part) => SOURCES[part] ?? []);
    return { error: `has no ${names.join(' or ')}, which ${label} needs` };
  }
  const takes = (part: PartName) => [...parts.needs, ...parts.oneOf, ...parts.may].includes(part) && has(part);
  const { title = '', text, html = '' } = content;
  const message: Message = {
    ...(takes('subject') && { subject: tidySubject(title) }),
    text: tidyText(text ?? deriveTextTemplate(html)),
    ...(takes('html') && { html: tidyHtml(html) }),
    ...(takes('title') && { title: tidySubject(title) }),
  };
  const excess = findExcess(channel, message);
  return excess === undefined ? { message } : { error: `is too large: the ${excess.replace('{}', 'the request')}` };
}

function isThere({ title, text, html }: OwnContent, part: PartName): boolean {
  const source = SOURCES[part];
  if (source === 'html') return html !== undefined && !isBlankHtml(html);
  const value = source === 'title' ? title : source === 'text' ? text : undefined;
  return value !== undefined && !isBlankText(value);
}
