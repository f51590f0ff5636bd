import type { JsonObject, Recipient, SendRequest, TemplateVariable } from '@tidings/client/types';
import type { CatalogNotification, Channel } from '../api/types.ts';
import { parseObject, readObject } from '../shell/parse-object.ts';
import { t } from '../text/text.ts';

/** Fields of a notification or a batch as they are typed. */
export interface MessageDraft {
  readonly type: string;
  /** Empty: all of the type. */
  readonly channels: readonly Channel[];
  /** Text of each declared variable. */
  readonly variables: { readonly [name: string]: string };
  /** Variables that are not declared, as JSON. */
  readonly others: string;
  /** Empty: the templates of the type. */
  readonly title: string;
  readonly text: string;
  readonly priority: string;
  /** `zone`: at a time in the zone of the console; `recipient`: at that time in the zone of each user. */
  readonly when: 'now' | 'zone' | 'recipient';
  /** As a field for local times has it: `2026-12-01T09:00`. */
  readonly time: string;
}

export const EMPTY_DRAFT: MessageDraft = {
  type: '',
  channels: [],
  variables: {},
  others: '',
  title: '',
  text: '',
  priority: '',
  when: 'now',
  time: '',
};

/** Faults by field of the draft; variables as `variables.NAME`. */
export type DraftFaults = { readonly [field: string]: string };

export type MessageRequest = Omit<SendRequest, 'recipients'>;

/**
 * Returns the request of a draft, and its faults. A value that the server would reject is sent all the same: only what cannot
 * be written as JSON of its type is a fault here.
 * @param zone zone of local times
 */
export function toRequest(
  draft: MessageDraft,
  type: CatalogNotification | undefined,
  zone: string,
): { request: MessageRequest; faults: DraftFaults } {
  const faults: { [field: string]: string } = {};
  if (draft.type === '') faults.type = t('Choose a type.');
  const variables = readVariables(draft, type?.variables ?? {}, faults);
  if (draft.when !== 'now' && draft.time === '') faults.time = t('Choose a time.');
  const content = {
    ...(draft.title !== '' && { title: draft.title }),
    ...(draft.text !== '' && { text: draft.text }),
  };
  return {
    faults,
    request: {
      type: draft.type,
      ...(draft.channels.length > 0 && { channels: [...draft.channels] }),
      ...(Object.keys(variables).length > 0 && { variables }),
      ...(Object.keys(content).length > 0 && { content }),
      ...(draft.priority !== '' && { priority: draft.priority as NonNullable<SendRequest['priority']> }),
      ...(draft.when !== 'now' && {
        scheduled_at: { local: draft.time, zone: draft.when === 'recipient' ? 'recipient' : zone },
      }),
    },
  };
}

function readVariables(
  draft: MessageDraft,
  declared: { readonly [name: string]: TemplateVariable },
  faults: { [field: string]: string },
): JsonObject {
  const variables: JsonObject = {};
  for (const [name, { type }] of Object.entries(declared)) {
    const text = draft.variables[name] ?? '';
    if (text === '') continue;
    const value = readValue(text, type);
    if (value === undefined) faults[`variables.${name}`] = t('This is not a {type}.', { type });
    else variables[name] = value;
  }
  const others = readObject(draft.others);
  if (others === null) faults.others = t('This is not a JSON object.');
  return { ...others, ...variables };
}

/** Returns the value of a variable from its text; undefined: it does not have its type. */
function readValue(text: string, type: TemplateVariable['type']): JsonObject[string] | undefined {
  if (type === 'number') return Number.isNaN(Number(text)) ? undefined : Number(text);
  if (type === 'boolean') return text === 'true';
  if (type === 'object') return parseObject(text) ?? undefined;
  if (type !== 'list') return text;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const PHONE = /^\+[\d\s().-]{6,}$/;

/** Returns the recipients, one a line: an email address, a phone number with its +, else an id; `user:` makes any text an id. */
export function readRecipients(text: string): Recipient[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').map(readRecipient);
}

function readRecipient(line: string): Recipient {
  if (line.startsWith('user:')) return { user_id: line.slice('user:'.length) };
  if (EMAIL.test(line)) return { email: line };
  return PHONE.test(line) ? { phone: line.replace(/[\s().-]/g, '') } : { user_id: line };
}

/** Says how recipients are understood: `2 users, 1 email address`. */
export function describeRecipients(recipients: readonly Recipient[]): string {
  const count = (kind: 'user_id' | 'email' | 'phone') =>
    recipients.filter((recipient) => recipient[kind] !== undefined).length;
  const [users, emails, phones] = [count('user_id'), count('email'), count('phone')];
  const parts = [
    users > 0 && t('{count, plural, one {# user} other {# users}}', { count: users }),
    emails > 0 && t('{count, plural, one {# email address} other {# email addresses}}', { count: emails }),
    phones > 0 && t('{count, plural, one {# phone number} other {# phone numbers}}', { count: phones }),
  ].filter(Boolean);
  return parts.length === 0 ? t('no recipients yet') : parts.join(', ');
}
