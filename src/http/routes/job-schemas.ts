import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { JOB_ACTIONS, JOB_STATUSES, RETRYABLE_STATUSES } from '../../model/job.ts';
import { anyObject, mergePatch, pathText, storable, timestamp } from './schemas.ts';

/** Shapes of jobs in requests and responses. */

const time = z.iso
  .datetime({ offset: true, error: 'write a time with a zone, such as 2025-10-31T19:00:00Z' })
  .refine((text) => Date.parse(text) >= 0, 'is before 1970')
  .describe('RFC 3339 with a zone');

const queuedFilter = z.strictObject({
  channel: z.enum(CHANNELS).optional(),
  notification_type: pathText.optional(),
  user_id: pathText.optional(),
  reason_code: pathText.optional(),
  provider: pathText.optional(),
  since: time.optional().describe('Created at or after this time'),
  until: time.optional().describe('Created before this time'),
});

const stoppedFilter = queuedFilter.extend({
  status: z
    .array(z.enum(RETRYABLE_STATUSES))
    .min(1)
    .max(RETRYABLE_STATUSES.length)
    .optional()
    .describe(
      'Default: undeliverable and dead. What is in_doubt may have been sent, and is sent again only if you name it',
    ),
});

const waitFilter = z.strictObject({ rule: pathText });

const rejectedFilter = z.strictObject({
  code: pathText.optional(),
  path: storable(z.string().max(1024)).optional(),
  event_type: pathText.optional(),
  user_id: pathText.optional(),
  since: time.optional().describe('Last rejected at or after this time'),
  until: time.optional().describe('Last rejected before this time'),
});

const WHAT = [
  { action: z.literal('deliveries.retry'), filter: stoppedFilter },
  { action: z.literal('deliveries.cancel'), filter: queuedFilter },
  { action: z.literal('waits.cancel'), filter: waitFilter },
  { action: z.literal('waits.migrate'), filter: waitFilter },
  { action: z.literal('rejected.retry'), filter: rejectedFilter },
  { action: z.literal('rejected.dismiss'), filter: rejectedFilter },
] as const;

/** Upper bound of a job's pace: more is no limit. */
const MAX_PER_SECOND = 100_000;

const OPTIONS = {
  name: storable(z.string().min(1).max(200)).optional().describe('For your records'),
  per_second: z
    .int()
    .min(1)
    .max(MAX_PER_SECOND)
    .optional()
    .describe('Items per second at most; absent: as fast as the workers can'),
};

const [retryDeliveries, cancelDeliveries, cancelWaits, migrateWaits, retryRejected, dismissRejected] = WHAT;

export const jobQuestion = z.discriminatedUnion('action', [
  z.strictObject(retryDeliveries),
  z.strictObject(cancelDeliveries),
  z.strictObject(cancelWaits),
  z.strictObject(migrateWaits),
  z.strictObject(retryRejected),
  z.strictObject(dismissRejected),
]);

export const newJob = z.discriminatedUnion('action', [
  z.strictObject({ ...retryDeliveries, ...OPTIONS }),
  z.strictObject({ ...cancelDeliveries, ...OPTIONS }),
  z.strictObject({ ...cancelWaits, ...OPTIONS }),
  z.strictObject({ ...migrateWaits, ...OPTIONS }),
  z.strictObject({ ...retryRejected, ...OPTIONS, patch: mergePatch.optional() }),
  z.strictObject({ ...dismissRejected, ...OPTIONS }),
]);

export const jobPreview = z.object({
  count: z.number().describe('Items that match now'),
  at_least: z.boolean().describe('There may be more: only so many were looked at'),
  groups: z.array(anyObject).readonly().describe('The largest groups of them, each with a count'),
  sample: z.array(anyObject).readonly(),
});

export const job = z.object({
  job_id: z.string(),
  action: z.enum(JOB_ACTIONS),
  name: z.string().nullable(),
  filter: anyObject,
  patch: anyObject,
  per_second: z.number().nullable(),
  status: z.enum(JOB_STATUSES),
  matched: z.number().describe('Items that matched at the start'),
  matched_exact: z.boolean().describe('False: at least as many'),
  done: z.number(),
  skipped: z.number().describe('Items left as they are: changed by another command meanwhile, or already as asked for'),
  failed: z.number(),
  reason: z.string().nullable().describe('Why it failed'),
  started_by: z.string(),
  stopped_by: z.string().nullable(),
  created_at: timestamp,
  started_at: timestamp.nullable(),
  ended_at: timestamp.nullable(),
});

export const jobFailure = z.object({
  item: z.string().describe('Id of the delivery, wait or rejected event'),
  code: z.string(),
  message: z.string(),
});
