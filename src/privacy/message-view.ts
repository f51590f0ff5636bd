import type { InboxHints, Message } from '../model/delivery.ts';
import type { Json, JsonObject } from '../model/event.ts';

/** The parts of a message as the API shows them. A part that the message does not have is absent. */
export interface MessageParts {
  readonly subject?: string;
  readonly title?: string;
  readonly text: string;
  readonly html?: string;
  readonly badge?: number;
  readonly image?: string;
  readonly actions?: readonly { readonly label: string; readonly url: string }[];
  /** Hints for the inbox that shows it. */
  readonly inbox?: InboxHints;
  readonly data?: JsonObject;
  readonly blocks?: readonly JsonObject[];
  /** Files that are fetched when it is sent. */
  readonly attachments?: readonly {
    readonly name: string;
    readonly url: string;
    readonly type?: string;
    readonly content_id?: string;
  }[];
  /** A template that the provider keeps, and the data for it. */
  readonly provider_template?: { readonly name: string; readonly data: JsonObject };
}

/** Returns the parts of a stored message. @param show what is shown of a text, such as the text without addresses */
export function toMessageParts(message: Message, show: (text: string) => string): MessageParts {
  const { subject, title, text, html, badge, image, actions, inbox, data, blocks, files, hosted } = message;
  return {
    ...(subject === undefined ? {} : { subject: show(subject) }),
    ...(title === undefined ? {} : { title: show(title) }),
    text: show(text),
    ...(html === undefined ? {} : { html: show(html) }),
    ...(badge === undefined ? {} : { badge }),
    ...(image === undefined ? {} : { image: show(image) }),
    ...(actions ? { actions: actions.map(({ label, url }) => ({ label: show(label), url: show(url) })) } : {}),
    ...(inbox ? { inbox: showAll(inbox as JsonObject, show) as InboxHints } : {}),
    ...(data ? { data: showAll(data, show) } : {}),
    ...(blocks ? { blocks: blocks.map((block) => showAll(block, show)) } : {}),
    ...(files
      ? {
          attachments: files.map(({ name, url, type, contentId }) => ({
            name: show(name),
            url: show(url),
            ...(type === undefined ? {} : { type }),
            ...(contentId === undefined ? {} : { content_id: contentId }),
          })),
        }
      : {}),
    ...(hosted ? { provider_template: { name: hosted.template, data: showAll(hosted.data, show) } } : {}),
  };
}

/** Shows every text in a value, and every name. */
function showAll<Value extends Json>(value: Value, show: (text: string) => string): Value {
  if (typeof value === 'string') return show(value) as Value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => showAll(item as Json, show)) as unknown as Value;
  const members = Object.entries(value).map(([name, member]) => [show(name), showAll(member as Json, show)]);
  return Object.fromEntries(members) as Value;
}
