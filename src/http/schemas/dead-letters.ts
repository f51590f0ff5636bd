import { z } from 'zod';
import { parseGroupId } from '../../model/dead-letter.ts';
import { CHANNELS, DELIVERY_STATUSES, FAULTS } from '../../model/delivery.ts';
import type { DeadLetterSample } from '../../store/deliveries/dead-letters.ts';
import { cursorQuery, limitQuery, listOf, nextCursor, timestamp, userId } from './common.ts';
import { delivery } from './deliveries.ts';

const EXAMPLE_GROUP = 'account:email:ses:main:retries_exhausted:AccessDeniedException';
const MAX_ID_CHARS = 2048;

const groupId = z.string().meta({
  description: 'Id of the group: fault, channel, provider, account, reason code and code of the provider',
  examples: [EXAMPLE_GROUP],
});

/** The id of a group in a request. */
export const groupIdParam = z
  .string()
  .max(MAX_ID_CHARS)
  .refine((id) => parseGroupId(id) !== undefined, 'write the id of a group, as GET /api/v1/dead-letters lists it')
  .meta({ description: 'Id of a group, as the list of groups has it', examples: [EXAMPLE_GROUP] });

const fault = z.enum(FAULTS).meta({
  description: 'Whose fault it is: that of the recipient, the message, the account, the provider, or of Tidings (us)',
  examples: ['account'],
});

export const deadLetterQuery = z.strictObject({ fault: fault.optional(), limit: limitQuery, after: cursorQuery });

export const deadLetterParams = z.object({
  group: z
    .string()
    .max(MAX_ID_CHARS)
    .meta({ examples: [EXAMPLE_GROUP] }),
});

const deadLetter = z
  .object({
    delivery_id: z.string(),
    user_id: userId,
    notification_type: z.string(),
    status: z.enum(DELIVERY_STATUSES),
    reason: z.string().nullable(),
    attempts_made: z.int(),
    finished_at: timestamp,
  })
  .meta({ id: 'DeadLetter', description: 'A dead letter in few words' }) satisfies z.ZodType<DeadLetterSample>;

export const deadLetterGroup = z
  .object({
    group: groupId,
    fault,
    channel: z.enum(CHANNELS),
    provider: z.string().nullable().describe('Null: none was chosen'),
    account: z.string().nullable().describe('Null: that of the installation'),
    reason_code: z.string(),
    code: z.string().nullable().describe('Of the provider; null: it gave none'),
    meaning: z.string().nullable().describe('Of the code; null: the table of the provider does not have it'),
    advice: z.string().describe('What to do about it'),
    can_retry: z.boolean().describe('False: there is nothing left to send, and the group can only be cancelled'),
    count: z.int(),
    at_least: z.boolean().describe('There are more: only so many were counted'),
    users: z.int().describe('Users among the latest 1,000 of them'),
    users_at_least: z.boolean().describe('There may be more users'),
    first_at: timestamp.describe('When the first of them failed'),
    last_at: timestamp.describe('When the latest of them failed'),
    sample: listOf(deadLetter).describe('The latest of them, newest first'),
  })
  .meta({ id: 'DeadLetterGroup', description: 'Dead letters that failed for the same reason' });

export const deadLetterGroupPage = z
  .object({ groups: listOf(deadLetterGroup), next: nextCursor })
  .meta({ id: 'DeadLetterGroupPage', description: 'Groups of dead letters, in the order of their ids' });

export const deadLetterPage = z
  .object({ group: deadLetterGroup, deliveries: listOf(delivery), next: nextCursor })
  .meta({ id: 'DeadLetterPage', description: 'A group and its dead letters, the latest first' });
