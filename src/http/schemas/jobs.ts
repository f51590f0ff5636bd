import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { JOB_ACTIONS, JOB_STATUSES, type JobFailure, RETRYABLE_STATUSES } from '../../model/job.ts';
import type { JobView } from '../../store/jobs/jobs.ts';
import {
  idOf,
  json,
  jsonObject,
  listOf,
  nextCursor,
  pathText,
  storable,
  timestamp,
  timeText,
  userIdParam,
} from './common.ts';
import { groupIdParam } from './dead-letters.ts';
import { computed, mergePatch } from './events.ts';

/* Jobs: one command for many deliveries, waits or rejected events. */

const time = timeText()
  .refine((text) => Date.parse(text) >= 0, 'is before 1970')
  .meta({ description: 'RFC 3339 with a zone', examples: ['2025-10-31T19:00:00Z'] });

const queuedFilter = z.strictObject({
  channel: z.enum(CHANNELS).optional(),
  notification_type: pathText.optional(),
  user_id: userIdParam.optional(),
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

const replayFilter = z.strictObject({
  endpoint_id: z.uuid('write the id of a webhook endpoint'),
  since: time.optional().describe('Created at or after this time'),
  until: time.optional().describe('Created before this time'),
  include_sent: z.boolean().optional().describe('Also what was sent. Default: only what failed or is kept'),
});

const deadLetterFilter = z.strictObject({
  group: groupIdParam,
  since: time.optional().describe('Failed at or after this time'),
  until: time.optional().describe('Failed before this time'),
});

const setAsideFilter = z.strictObject({ rule: pathText.optional() });

const rejectedFilter = z.strictObject({
  source: storable(z.string().max(128)).optional().describe('Brought by this source of sources.yaml'),
  code: pathText.optional(),
  path: storable(z.string().max(1024)).optional(),
  event_type: pathText.optional(),
  user_id: userIdParam.optional(),
  since: time.optional().describe('Last rejected at or after this time'),
  until: time.optional().describe('Last rejected before this time'),
});

const WHAT = [
  { action: z.literal('deliveries.retry'), filter: stoppedFilter },
  { action: z.literal('deliveries.cancel'), filter: queuedFilter },
  { action: z.literal('waits.cancel'), filter: waitFilter },
  { action: z.literal('waits.migrate'), filter: waitFilter },
  { action: z.literal('waits.retry'), filter: setAsideFilter },
  { action: z.literal('waits.dismiss'), filter: setAsideFilter },
  { action: z.literal('waits.fire'), filter: waitFilter },
  { action: z.literal('rejected.retry'), filter: rejectedFilter },
  { action: z.literal('rejected.dismiss'), filter: rejectedFilter },
  { action: z.literal('webhooks.replay'), filter: replayFilter },
  { action: z.literal('dead_letters.retry'), filter: deadLetterFilter },
  { action: z.literal('dead_letters.cancel'), filter: deadLetterFilter },
  { action: z.literal('dead_letters.suppress'), filter: deadLetterFilter },
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

const [
  retryDeliveries,
  cancelDeliveries,
  cancelWaits,
  migrateWaits,
  retryWaits,
  dismissWaits,
  fireWaits,
  retryRejected,
  dismissRejected,
  replayWebhooks,
  retryDeadLetters,
  cancelDeadLetters,
  suppressDeadLetters,
] = WHAT;

const EXAMPLE = { action: 'deliveries.retry', filter: { channel: 'email', since: '2025-10-31T19:00:00Z' } };

const correction = { patch: mergePatch.optional(), compute: computed.optional() };

export const jobQuestion = z
  .discriminatedUnion('action', [
    z.strictObject(retryDeliveries),
    z.strictObject(cancelDeliveries),
    z.strictObject(cancelWaits),
    z.strictObject(migrateWaits),
    z.strictObject(retryWaits),
    z.strictObject(dismissWaits),
    z.strictObject(fireWaits),
    z.strictObject({
      ...retryRejected,
      ...correction,
      trial: z.boolean().optional().describe('Also try it on the latest 50 that match, and store nothing'),
    }),
    z.strictObject(dismissRejected),
    z.strictObject(replayWebhooks),
    z.strictObject(retryDeadLetters),
    z.strictObject(cancelDeadLetters),
    z.strictObject(suppressDeadLetters),
  ])
  .meta({ id: 'JobQuestion', description: 'What a job would be about', examples: [EXAMPLE] });

export const newJob = z
  .discriminatedUnion('action', [
    z.strictObject({ ...retryDeliveries, ...OPTIONS }),
    z.strictObject({ ...cancelDeliveries, ...OPTIONS }),
    z.strictObject({ ...cancelWaits, ...OPTIONS }),
    z.strictObject({ ...migrateWaits, ...OPTIONS }),
    z.strictObject({ ...retryWaits, ...OPTIONS }),
    z.strictObject({ ...dismissWaits, ...OPTIONS }),
    z.strictObject({ ...fireWaits, ...OPTIONS }),
    z.strictObject({ ...retryRejected, ...OPTIONS, ...correction }),
    z.strictObject({ ...dismissRejected, ...OPTIONS }),
    z.strictObject({ ...replayWebhooks, ...OPTIONS }),
    z.strictObject({ ...retryDeadLetters, ...OPTIONS }),
    z.strictObject({ ...cancelDeadLetters, ...OPTIONS }),
    z.strictObject({ ...suppressDeadLetters, ...OPTIONS }),
  ])
  .meta({
    id: 'NewJob',
    description: 'A job to start',
    examples: [{ ...EXAMPLE, name: 'after the outage', per_second: 50 }],
  });

const jobTrial = z
  .object({
    tried: z.int(),
    accepted: z.int(),
    sends: z.int().describe('Decisions to send a notification that they would lead to'),
    items: listOf(
      z.object({
        item: z.string().describe('Id of the rejected event'),
        status: z.enum(['accepted', 'duplicate', 'rejected', 'conflict']),
        code: z.string().nullable(),
        message: z.string().nullable(),
        changes: listOf(z.object({ path: z.string(), before: json, after: json })).describe(
          'Fields that are corrected, with addresses masked',
        ),
      }),
    ).describe('Some of them, those that would be rejected first'),
  })
  .meta({ id: 'JobTrial', description: 'How some items would fare now; nothing was stored' });

export const jobPreview = z
  .object({
    count: z.int().describe('Items that match now'),
    at_least: z.boolean().describe('There may be more: only so many were looked at'),
    groups: listOf(jsonObject).describe('The largest groups of them, each with its fields and a count'),
    sample: listOf(jsonObject),
    trial: z.exactOptional(jobTrial),
  })
  .meta({ id: 'JobPreview', description: 'What a job would do now' });

export const job = z
  .object({
    job_id: idOf('job'),
    action: z.enum(JOB_ACTIONS),
    name: z.string().nullable(),
    filter: jsonObject,
    patch: jsonObject.nullable(),
    compute: z.record(z.string(), z.string()).nullable().describe('Fields that are computed, by their paths'),
    per_second: z.number().nullable(),
    status: z.enum(JOB_STATUSES),
    matched: z.int().describe('Items that matched at the start'),
    matched_exact: z.boolean().describe('False: at least as many'),
    done: z.int(),
    skipped: z.int().describe('Items left as they are: changed by another command meanwhile, or already as asked for'),
    failed: z.int(),
    reason: z.string().nullable().describe('Why it failed'),
    started_by: z.string(),
    stopped_by: z.string().nullable(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    ended_at: timestamp.nullable(),
  })
  .meta({ id: 'Job', description: 'A job and its progress' }) as unknown as z.ZodType<JobView>;

export const jobPage = z
  .object({ jobs: listOf(job), next: nextCursor })
  .meta({ id: 'JobPage', description: 'Jobs, newest first' });

const jobFailure = z
  .object({
    item: z.string().describe('Id of the delivery, wait or rejected event'),
    code: z.string().meta({ examples: ['not_retryable'] }),
    message: z.string(),
  })
  .meta({ id: 'JobFailure', description: 'Something that a job could not change' }) satisfies z.ZodType<JobFailure>;

export const jobFailurePage = z
  .object({ failures: listOf(jobFailure), next: nextCursor })
  .meta({ id: 'JobFailurePage', description: 'What a job could not change' });
