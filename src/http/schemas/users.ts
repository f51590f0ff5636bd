import { z } from 'zod';
import { ANSWERS } from '../../model/answer.ts';
import { OUTCOMES } from '../../model/decision.ts';
import type { EventView } from '../../store/timeline.ts';
import type { ProfileView } from '../../store/users.ts';
import {
  cursorQuery,
  jsonObject,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  timestamp,
  userId,
  userIdParam,
} from './common.ts';
import { explainedDecision, storedDecision } from './decisions.ts';
import { notification } from './deliveries.ts';

/* Users: who is known, what is stored about one, and the explanation of one notification. */

const notificationTypeParam = pathText.meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] });

export const profileFields = {
  traits: jsonObject,
  addresses: z
    .record(z.string(), z.string())
    .meta({ description: 'Those that receive, masked, by kind', examples: [{ email: 'm…@example.com' }] }),
  time_zone: z.string().nullable(),
  locale: z.string().nullable(),
  first_seen_at: timestamp,
  updated_at: timestamp,
};

const profile = z
  .object(profileFields)
  .meta({ id: 'Profile', description: 'What is known of a user' }) satisfies z.ZodType<ProfileView>;

const event = z
  .object({
    event_id: z.string(),
    event_type: z.string().meta({ examples: ['payment_failed'] }),
    event_timestamp: timestamp,
    received_at: timestamp,
    properties: jsonObject,
    user_traits: jsonObject,
    context: jsonObject.nullable().describe('Further fields of the envelope'),
    catalog_version: z.int(),
  })
  .meta({ id: 'StoredEvent', description: 'An event as it is stored' }) satisfies z.ZodType<EventView>;

export const auditParams = z.object({ user_id: userIdParam });

export const auditQuery = z.strictObject({
  limit: limitQuery,
  notification_type: notificationTypeParam
    .optional()
    .describe('Only events with a decision about this notification type, and only these decisions'),
  after: cursorQuery,
  before: z
    .string()
    .optional()
    .meta({ description: 'The `previous` of a page of the same list and filter: the events that are newer than it' }),
  around: pathText.optional().meta({
    description: 'Id of an event: the page has it in the middle, with both cursors. Neither with `after` nor `before`',
  }),
});

export const userAudit = z
  .object({
    user_id: userId,
    profile: profile.nullable().describe('Null: no event of the user was accepted'),
    recent_events: listOf(event).describe('Newest event time first'),
    decisions: listOf(storedDecision),
    notifications: listOf(notification),
    next: nextCursor,
    previous: z
      .string()
      .nullable()
      .meta({ description: 'Send as `before` to get newer events; null: this is the newest page', examples: [null] }),
  })
  .meta({ id: 'UserAudit', description: 'What is stored about one user, as it was stored when it was decided' });

export const correlationQuery = z.strictObject({
  correlation_id: pathText.meta({
    description:
      'The correlation id of the context: `correlationid` of a CloudEvent, `correlationId` of a domain event',
    examples: ['c-81'],
  }),
  limit: limitQuery,
  after: cursorQuery,
});

const correlatedPlace = { at: timestamp.describe('When it was stored'), user_id: userId };

const correlated = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('event'), ...correlatedPlace, event, decisions: listOf(storedDecision) }),
    z.object({ kind: z.literal('notification'), ...correlatedPlace, notification }),
  ])
  .meta({ id: 'CorrelatedEntry', description: 'An event with its decisions, or a notification with its deliveries' });

export const correlatedPage = z
  .object({ correlation_id: z.string(), entries: listOf(correlated), next: nextCursor })
  .meta({ id: 'CorrelatedPage', description: 'What is stored under a correlation id, of all users; newest first' });

export const explanationParams = z.object({ user_id: userIdParam, notification_type: notificationTypeParam });

const explainedRule = z
  .object({
    rule: z.string(),
    on: listOf(z.string()),
    when: z.string().nullable(),
    every: z.string().nullable(),
    for: z.string().nullable(),
    after: z.object({ event: z.string(), within: z.string() }).nullable(),
    limits: listOf(z.string()),
    active: z.boolean().describe('False: the active catalog no longer has the rule'),
    decisions: z
      .record(z.string(), z.number())
      .meta({ description: 'Number of decisions by outcome', examples: [{ [OUTCOMES[0]]: 1 }] }),
  })
  .meta({ id: 'ExplainedRule', description: 'A rule that sends the notification' });

export const explanation = z
  .object({
    user_id: userId,
    notification_type: z.string().meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] }),
    answer: z.enum(ANSWERS).describe('Outcome of the latest decision to send the notification'),
    paragraph: z.string().describe('The explanation in sentences that can be read aloud'),
    catalog_version: z.int(),
    is_complete: z.boolean().describe('False: the user has more history than was examined'),
    rules: listOf(explainedRule),
    decisions: listOf(explainedDecision).describe('The latest ones, newest first'),
    notifications: listOf(notification),
  })
  .meta({ id: 'Explanation', description: 'Why a user did, or did not, get a notification' });
