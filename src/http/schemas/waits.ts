import { z } from 'zod';
import { WAIT_KINDS, WAIT_STATUSES } from '../../model/decision.ts';
import type { WaitView } from '../../store/waits/wait-views.ts';
import type { WaitingInRule } from '../../store/waits/waiting-rules.ts';
import {
  cursorQuery,
  idOf,
  limitQuery,
  listOf,
  nextCursor,
  pathText,
  timestamp,
  userId,
  userIdParam,
} from './common.ts';
import { decision } from './decisions.ts';

const rule = z.string().meta({ examples: ['TRIAL_ENDING'] });

const wait = z
  .object({
    wait_id: idOf('wait'),
    user_id: userId,
    rule,
    key: z.string().nullable(),
    kind: z.enum(WAIT_KINDS),
    status: z.enum(WAIT_STATUSES),
    catalog_version: z.int(),
    failure: z
      .object({
        attempts: z.int().describe('Failed attempts since it began, was changed or retried'),
        reason: z.string().meta({ examples: ['Error: its catalog version 3 cannot be read'] }),
        retry_at: timestamp.nullable().describe('When it is tried again; null: it is set aside'),
        set_aside_at: timestamp
          .nullable()
          .describe('When it was set aside, until you retry or cancel it; null: it is tried again'),
      })
      .meta({ id: 'WaitFailure' })
      .nullable()
      .describe('The last failed attempt to fire a pending wait; null: none has failed'),
    event_id: z.string().describe('The event that triggered the rule; if several did, the latest one'),
    event_type: z.string(),
    event_timestamp: timestamp,
    due_at: timestamp,
    began_at: timestamp,
    ended_at: timestamp.nullable(),
    ended_by: z.string().nullable().describe('The event that ended the wait'),
    items: z.int().nullable().describe('Number of items of a digest; null for other kinds'),
    decisions: listOf(decision).describe(
      'Made when the wait ended; those of an event that ended it belong to the event',
    ),
  })
  .meta({ id: 'Wait', description: 'A rule that waits for a user, or has waited' }) satisfies z.ZodType<WaitView>;

export const waitQuery = z.strictObject({
  user_id: userIdParam.optional(),
  rule: pathText.optional(),
  key: pathText.optional().describe('With this value of the key of their rule, such as the number of a booking'),
  status: z.enum(WAIT_STATUSES).optional(),
  set_aside: z.literal('true').optional().describe('Only waits that could not be fired, and are set aside'),
  limit: limitQuery,
  after: cursorQuery,
});

export const waitPage = z
  .object({ waits: listOf(wait), next: nextCursor })
  .meta({ id: 'WaitPage', description: 'Waits, the one that began last first' });

const waitingInRule = z
  .object({
    rule,
    users: z.int(),
    waits: z.int(),
    at_least: z.boolean().describe('There are more: only those due first were counted'),
    overdue: z.int().describe('Those whose time has come, and which have not been fired'),
    set_aside: z.int().describe('Those that could not be fired, and are set aside'),
    next_due_at: timestamp,
    oldest_version: z.int().describe('The oldest catalog version that one of them ends by'),
    due_by_hour: listOf(z.int()).describe('Due within each of the next 24 hours, the coming one first'),
  })
  .meta({ id: 'WaitingInRule' }) satisfies z.ZodType<WaitingInRule>;

export const waitingByRule = z
  .object({ rules: listOf(waitingInRule) })
  .meta({ id: 'WaitingByRule', description: 'Pending waits by rule' });

export const retriedWait = z.object({ wait_id: idOf('wait'), user_id: userId }).meta({ id: 'RetriedWait' });

export const cancelledWait = z.object({ wait_id: idOf('wait'), user_id: userId }).meta({ id: 'CancelledWait' });
