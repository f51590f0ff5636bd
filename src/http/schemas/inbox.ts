import { z } from 'zod';
import { CATEGORIES } from '../../model/catalog.ts';
import { SEVERITIES } from '../../model/delivery.ts';
import { INBOX_VIEWS, ITEM_ACTIONS } from '../../store/inbox/inbox.ts';
import {
  cursorQuery,
  idOf,
  jsonObject,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  timestamp,
  userIdParam,
} from './common.ts';

/* Inboxes: the in-app messages of users. */

const itemId = z
  .string()
  .max(64)
  .meta({ description: 'Id of the notification', examples: ['01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e'] });
const action = z.enum(ITEM_ACTIONS).meta({ examples: ['snooze'] });
const mark = z.enum(['read-all', 'seen-all']).meta({ examples: ['read-all'] });

export const inboxParams = z.object({ user_id: userIdParam });
export const itemParams = z.object({ user_id: userIdParam, notification_id: itemId, action });
export const ownItemParams = z.object({ notification_id: itemId, action });
export const markParams = z.object({ user_id: userIdParam, mark });
export const ownMarkParams = z.object({ mark });

export const inboxQuery = z.strictObject({
  view: z
    .enum(INBOX_VIEWS)
    .default('active')
    .describe(
      'Which items: `active` are neither archived nor snoozed, and have not expired; `unread`, `read` and `unseen` are of these',
    ),
  notification_type: pathText.optional().meta({ examples: ['PAYMENT_FAILED'] }),
  category: z.enum(CATEGORIES).optional().describe('Of types that have this category in the active catalog'),
  limit: limitQuery,
  after: cursorQuery,
});

const NUMBER = 'write a whole number from 0';
const whole = z.coerce.number(NUMBER).int(NUMBER).min(0, NUMBER).max(Number.MAX_SAFE_INTEGER, NUMBER);

export const streamQuery = z.strictObject({
  position: whole
    .optional()
    .meta({ description: 'The `position` of a list: the stream starts with what came after it', examples: [17] }),
});

export const streamHeaders = z.object({
  'last-event-id': z.string().max(32).optional().describe('The id of the last event that was read'),
});

export const itemChange = z
  .strictObject({ until: z.string().max(64).optional().describe('For `snooze`: until when, at most a year ahead') })
  .meta({ id: 'InboxItemChange', examples: [{ until: '2026-11-03T08:00:00Z' }] });

export const inboxMark = z
  .strictObject({
    up_to: z
      .int(NUMBER)
      .min(0, NUMBER)
      .optional()
      .describe('The largest `sequence` to mark: what arrived since the list was read stays unread; absent: all'),
  })
  .meta({ id: 'InboxMark', examples: [{ up_to: 17 }] });

const message = z
  .object({
    title: z.exactOptional(z.string()),
    subject: z.exactOptional(z.string()),
    text: z.string(),
    html: z.exactOptional(z.string()),
    image: z.exactOptional(z.string()),
    actions: z.exactOptional(listOf(z.object({ label: z.string(), url: z.string() }))),
    data: z.exactOptional(jsonObject),
  })
  .meta({ id: 'InboxMessage', description: 'The message as it was rendered' });

export const inboxItem = z
  .object({
    notification_id: idOf('notification'),
    notification_type: z.string().meta({ examples: ['PAYMENT_FAILED'] }),
    category: z.enum(CATEGORIES).nullable().describe('Of its type in the active catalog; null: it has no such type'),
    sequence: z.int().describe('Order of arrival; numbers of an inbox grow, with gaps'),
    change: z.int().describe('Number of its latest change: of two copies, the greater one is newer'),
    created_at: timestamp,
    seen_at: timestamp.nullable(),
    read_at: timestamp.nullable(),
    archived_at: timestamp.nullable(),
    snoozed_until: timestamp.nullable(),
    expires_at: timestamp.nullable().describe('From then on it is not active'),
    group: z.string().nullable().describe('The thread that it belongs to'),
    severity: z.enum(SEVERITIES),
    icon: z.string().nullable().describe('URL of a small picture'),
    url: z.string().nullable().describe('URL that a click on it opens'),
    message: message.nullable().describe('Null: it cannot be opened, or the page has no room for it'),
  })
  .meta({ id: 'InboxItem' });

export const inboxCounts = z
  .object({
    unread: z.int().describe('Active items; 1000: at least so many'),
    unseen: z.int(),
    position: z.int().describe('Number of the latest change, for a stream that continues from here'),
    stale_in: z
      .int()
      .nullable()
      .describe('Seconds until an item returns from its snooze, or expires: list again then; null: none does'),
  })
  .meta({ id: 'InboxCounts' });

export const inboxPage = z
  .object({ items: listOf(inboxItem), counts: inboxCounts, next: nextCursor })
  .meta({ id: 'InboxPage', description: 'Items of an inbox, the latest first' });

export const inboxMarked = z
  .object({ marked: z.int().describe('Items that were changed'), counts: inboxCounts })
  .meta({ id: 'InboxMarked' });

export const inboxStream = z.string().meta({
  description:
    'Events `item` (an item that is new or has changed), `counts`, `reset` (list the inbox again) and `end`, each with an id',
});
