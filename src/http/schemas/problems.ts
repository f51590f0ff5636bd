import { z } from 'zod';
import { SCOPES } from '../../model/principal.ts';
import { listOf, timestamp } from './common.ts';

/* Problems of the present, in one answer. */

export const PROBLEM_CODES = [
  'installation',
  'catalog_unreadable',
  'catalog_waits',
  'circuit_open',
  'account_failing',
  'failed_over',
  'overdue',
  'waits_set_aside',
  'dead_letters',
  'emails_paused',
  'rejected_events',
  'source_not_read',
  'source_behind',
  'webhook_disabled',
  'webhook_failing',
  'sink_failing',
  'messages_parked',
  'release_failed',
  'job_failed',
  'type_quiet',
  'volume_surge',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

const problemValues = z
  .record(z.string(), z.union([z.string(), z.number()]))
  .describe(
    'The values of `detail` by name, for a sentence of your own. circuit_open: provider, account, domain, cause (a code); failed_over: provider, failover_to; overdue: queue, channel; dead_letters: channel, provider, reason, code; rejected_events: reason, path (of most of them); source_behind: topic; webhook_disabled, webhook_failing: name; sink_failing: reason; release_failed: version; job_failed: name, reason; type_quiet, volume_surge: of, hours, usual. One that is not known is not in it',
  );
export type ProblemValues = z.infer<typeof problemValues>;

const problemNow = z
  .object({
    code: z.enum(PROBLEM_CODES).meta({ examples: ['circuit_open'] }),
    subject: z
      .string()
      .nullable()
      .describe(
        'What it concerns: a provider, a queue, a group of dead letters, a source, an endpoint, a sink, a version, a job, a type or a check; null: nothing in particular',
      ),
    since: timestamp.nullable(),
    count: z.int().nullable().describe('Number of things that it concerns; null: it is not about things'),
    has_more: z.boolean().describe('True if there are more than `count`'),
    detail: z.string().meta({ examples: ['smtp: 20 failures in a row, the last one: connection refused'] }),
    values: problemValues.meta({ examples: [{ provider: 'smtp', cause: 'failures' }] }),
    next_at: timestamp.nullable().describe('When it is tried again by itself; null: not known'),
  })
  .meta({ id: 'CurrentProblem', description: 'Something that is wrong at present' });

export const currentProblems = z
  .object({
    problems: listOf(problemNow).describe('What concerns the most comes first; none: nothing that is known is wrong'),
    not_looked_at: listOf(z.object({ code: z.enum(PROBLEM_CODES), scope: z.enum(SCOPES) })).describe(
      'What the caller may not see, and the scope that it needs',
    ),
  })
  .meta({ id: 'CurrentProblems', description: 'What is wrong at present' });
