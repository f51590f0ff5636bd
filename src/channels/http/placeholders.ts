import type { Target } from '../../model/delivery.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { toUuid } from '../key-uuid.ts';
import type { Outgoing } from '../provider.ts';
import { readPath } from './read-path.ts';

/** Placeholders of a request, with what each stands for, as the docs show them. */
export const PLACEHOLDERS: { readonly [name: string]: string } = {
  to: 'the address: email, phone number as `+351912345678`, device token, or name of the chat channel',
  to_digits: 'the phone number without its plus sign',
  url: 'the URL of the chat’s incoming webhook',
  from: 'the sender: that of the tenant, else that of the account',
  key: 'our reference to the delivery, the same for each attempt',
  key_uuid: 'the same as a UUID',
  subject: 'the subject',
  text: 'the plain text',
  html: 'the HTML',
  title: 'the line above the text, of a push message',
  image: 'URL of a picture',
  badge: 'the number on the icon of an app',
  data: 'the data for the program that receives it; `data.NAME` is one field',
  actions: 'buttons, each with label and url',
  blocks: 'blocks of a chat message',
  attachments: 'the attachments, each in the shape that the setting `attachment` gives',
  template: 'the template that the provider keeps',
  template_data: 'its data; `template_data.NAME` is one field',
  channel: 'the channel',
  type: 'the notification type',
  user_id: 'the id of the user',
  tenant_id: 'the id of the tenant',
  notification_id: 'the id of the notification',
  attempt: 'the number of the attempt, from 1',
  expires_at: 'when the message loses its use, as ISO 8601',
  expires_in: 'the seconds until then',
  receipt_url: 'where the provider reports what became of the message',
  unsubscribe_url: 'the URL that unsubscribes on POST',
};

const PLACEHOLDER = /\{\{\s*([\w.]{1,200})\s*\}\}/g;
const ALONE = /^\{\{\s*([\w.]{1,200})\s*\}\}$/;

export type Values = JsonObject;

/** Returns the first placeholder in a text that does not exist; undefined: all do. */
export function findUnknownPlaceholder(
  text: string,
  known: readonly string[] = Object.keys(PLACEHOLDERS),
): string | undefined {
  for (const [, name = ''] of text.matchAll(PLACEHOLDER)) {
    const [first = '', ...others] = name.split('.');
    const hasFields = first === 'data' || first === 'template_data' || first === 'attachment';
    if (!known.includes(first) || (others.length > 0 && !hasFields)) return name;
  }
  return undefined;
}

/** Returns a text with each placeholder replaced; a value that is absent is empty. */
export function fillText(text: string, values: Values, encode: (value: string) => string = String): string {
  return text.replace(PLACEHOLDER, (_, name: string) => encode(toText(readPath(values, name))));
}

/**
 * Returns a JSON value with its placeholders replaced. A text that is one placeholder and nothing else becomes its value, of any
 * type; a field or item whose value is absent is left out, and so is an object whose `$if` is. Nothing has to be escaped.
 */
export function fillJson(template: Json, values: Values): Json | undefined {
  if (typeof template === 'string') {
    const [, name] = ALONE.exec(template) ?? [];
    return name === undefined ? fillText(template, values) : readPath(values, name);
  }
  if (Array.isArray(template)) {
    return template.flatMap((item) => {
      const filled = fillJson(item, values);
      return filled === undefined ? [] : [filled];
    });
  }
  if (typeof template !== 'object' || template === null) return template;
  const { $if: condition, ...fields } = template;
  if (condition !== undefined && fillJson(condition, values) === undefined) return undefined;
  const filled = Object.entries(fields).map(([name, value]) => [name, fillJson(value, values)] as const);
  return Object.fromEntries(filled.filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

function toText(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Returns the values of the placeholders for a message. Those that the message does not have are absent. */
export function toValues(
  outgoing: Outgoing,
  account: { readonly from?: string | undefined; readonly attachment?: Json | undefined },
  now: number,
): Values {
  const { target, message, idempotencyKey: key, expiresAt } = outgoing;
  const { hosted, attachments = [], actions, blocks } = message;
  const { attachment } = account;
  const shape = (file: (typeof attachments)[number]) =>
    fillJson(attachment ?? null, {
      attachment: {
        name: file.name,
        type: file.type,
        content: file.content.toString('base64'),
        ...(file.contentId === undefined ? {} : { content_id: file.contentId }),
      },
    });
  const values: { [name: string]: Json | undefined } = {
    ...toAddress(target),
    from: outgoing.sender ?? account.from,
    key,
    key_uuid: toUuid(key),
    subject: message.subject,
    text: message.text,
    html: message.html,
    title: message.title,
    image: message.image,
    badge: message.badge,
    data: message.data,
    actions: actions?.map(({ label, url }) => ({ label, url })),
    blocks: blocks && [...blocks],
    attachments: attachments.length === 0 ? undefined : attachments.flatMap((file) => shape(file) ?? []),
    template: hosted?.template,
    template_data: hosted?.data,
    channel: outgoing.channel,
    type: outgoing.notificationType,
    user_id: outgoing.userId,
    tenant_id: outgoing.tenantId,
    notification_id: outgoing.notificationId,
    attempt: outgoing.attempt,
    expires_at: expiresAt === undefined ? undefined : new Date(expiresAt).toISOString(),
    expires_in: expiresAt === undefined ? undefined : Math.max(1, Math.round((expiresAt - now) / 1000)),
    receipt_url: outgoing.receiptUrl,
    unsubscribe_url: outgoing.unsubscribeUrl,
  };
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, Json] => entry[1] !== undefined));
}

function toAddress(target: Target): { [name: string]: string | undefined } {
  switch (target.kind) {
    case 'email':
      return { to: target.address };
    case 'phone':
      return { to: target.number, to_digits: target.number.replace(/^\+/, '') };
    case 'device':
      return { to: target.token };
    case 'chat':
      return { to: target.channel, url: target.url };
    default:
      return {};
  }
}
