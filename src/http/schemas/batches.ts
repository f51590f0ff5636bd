import { z } from 'zod';
import { COST_BASES, type EstimatedCost } from '../../delivery/preview/estimate-costs.ts';
import { BATCH_STATES, RECIPIENT_STATES, SOURCE_STATES } from '../../model/batch.ts';
import { CHANNELS } from '../../model/delivery.ts';
import type { BatchEstimate } from '../../notify/batches/estimate.ts';
import { MAX_BATCH_LINES } from '../../notify/batches/upload.ts';
import type { BatchResult, BatchView } from '../../notify/batches/views.ts';
import { cursorQuery, idOf, jsonObject, limitQuery, listOf, nextCursor, pathText, timestamp } from './common.ts';
import { sendBody } from './notifications.ts';

/* Batches: one notification to many recipients. */

const perSecond = z
  .int()
  .min(1)
  .max(100_000)
  .nullable()
  .describe('Recipients that are asked for per second, at most; null: no limit');

export const batchBody = z
  .strictObject({
    ...sendBody.omit({ recipients: true }).shape,
    name: pathText.max(200).optional().describe('For the list of batches'),
    per_second: perSecond.optional(),
    recipients: z
      .union(
        [
          z
            .strictObject({
              list: z.uuid('write the id of a list').describe('Id of a list, whose members become lines'),
            })
            .meta({ id: 'ListAudience' }),
          z
            .strictObject({ segment: pathText.max(128).describe('Name of a segment, whose users become lines') })
            .meta({ id: 'SegmentAudience' }),
        ],
        { error: 'write list with the id of a list, or segment with a name, and nothing else' },
      )
      .optional()
      .describe('Users beside the lines that are added; they are read after the start'),
  })
  .meta({
    id: 'BatchRequest',
    description: 'What every recipient of a batch gets. Without a priority it is LOW',
    examples: [
      { type: 'WELCOME_EMAIL', name: 'Welcome back', variables: { offer: 'free transfers' }, per_second: 500 },
    ],
  });

export const ratePatch = z
  .strictObject({ per_second: perSecond })
  .meta({ id: 'BatchRate', examples: [{ per_second: 200 }] });

const HINT = `write a whole number from 0 to ${MAX_BATCH_LINES}`;

export const uploadQuery = z.strictObject({
  offset: z.coerce.number(HINT).int(HINT).min(0, HINT).max(MAX_BATCH_LINES, HINT).default(0).meta({
    description: 'The line, from 0, that the body begins with; lines that are stored already are passed over',
  }),
});

/** The stream itself, which the handler reads. */
export const ndjsonBody = z.any().meta({
  description: 'Lines such as `{"user_id":"u1","variables":{"name":"Maria"}}`, with one of user_id, email and phone',
  examples: ['{"user_id":"user-1042"}\n{"email":"john@example.com","variables":{"offer":"a free card"}}\n'],
});

export const ndjsonAnswer = z.string().meta({
  description:
    'Lines of JSON: an error (`line`, `code`, `message`) for each line that was rejected, the first 1,000, and a last line with `offset`, `stored`, `known`, `rejected` and `empty`',
});

const counts = z
  .object(Object.fromEntries(RECIPIENT_STATES.map((state) => [state, z.int()])) as Record<string, z.ZodInt>)
  .meta({ id: 'BatchCounts', description: 'Recipients by state; their sum is the number of lines' });

export const batchView = z
  .object({
    batch_id: idOf('batch'),
    name: z.string().nullable(),
    type: z.string(),
    state: z.enum(BATCH_STATES),
    per_second: z.int().nullable(),
    request: jsonObject.describe('What every recipient gets; addresses are masked'),
    recipients: z
      .object({
        list: z.exactOptional(z.string()),
        segment: z.exactOptional(z.string()),
        state: z
          .enum(SOURCE_STATES)
          .describe(
            'pending: the batch has not started; reading: they become lines; done: all are; cut: a batch may have no more; gone: the list was deleted',
          ),
        found: z.int().describe('Lines that they have become'),
      })
      .nullable()
      .describe('The list or segment whose users become lines; null: the lines that were added are all'),
    lines: z.int().describe('Lines that were stored'),
    counts,
    codes: z
      .record(z.string(), z.record(z.string(), z.int()))
      .describe('Recipients by reason code, within `dropped`, `failed`, `rejected` and others'),
    created_by: z.string(),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    ended_at: timestamp.nullable().describe('Each recipient was final then'),
    eta: timestamp
      .nullable()
      .describe('When what does not wait for a time of its own will be done, at the rate until now'),
    reason: z.string().nullable().describe('Why it makes no progress'),
  })
  .meta({ id: 'Batch', description: 'A batch with its progress' }) as unknown as z.ZodType<BatchView>;

export const batchPage = z.object({ batches: listOf(batchView), next: nextCursor }).meta({ id: 'BatchPage' });

export const batchEstimate = z
  .object({
    pending: z.int(),
    sampled: z.int().describe('Recipients that were decided, evenly over the lines'),
    exact: z.boolean().describe('False: the numbers are those of the sample, times pending / sampled'),
    reach: z.int().describe('Recipients who would get a message, now or later'),
    held: z.int().describe('Of those, recipients with every channel held'),
    duplicate: z.int().describe('Recipients who occur before, within the sample'),
    unreachable: z
      .record(z.string(), z.int())
      .describe('Recipients by reason code who have no address of the channels now, or a suppressed one; not in reach'),
    dropped: z.record(z.string(), z.int()).describe('Recipients by reason code who would get none'),
    rejected: z.record(z.string(), z.int()),
    costs: listOf(
      z
        .object({
          channel: z.enum(CHANNELS),
          messages: z.int(),
          parts: z
            .int()
            .nullable()
            .describe(
              'Segments of text messages; null: the channel does not have any, or no text of the sample could be rendered',
            ),
          basis: z
            .enum(COST_BASES)
            .describe(
              'prices: by the prices of routes.yaml; history: by what messages of the type cost in the last 31 days; unknown: neither is known',
            ),
          amount: z.number().nullable().describe('Null: unknown'),
          currency: z.string().nullable(),
        })
        .meta({ id: 'EstimatedCost' }),
    ).describe('By channel and currency. What is free, such as in_app, is left out'),
  })
  .meta({ id: 'BatchEstimate' }) satisfies z.ZodType<BatchEstimate & { readonly costs: readonly EstimatedCost[] }>;

const batchResult = z
  .object({
    line: z.int().describe('From 0'),
    recipient: z
      .object({
        user_id: z.exactOptional(z.string()),
        email: z.exactOptional(z.string()),
        phone: z.exactOptional(z.string()),
      })
      .nullable()
      .describe('As given, an address masked; null: the line names none, or its user was erased'),
    user_id: z.string().nullable(),
    state: z.enum(RECIPIENT_STATES),
    code: z.string().nullable().describe('Why it is in this state'),
    reason: z.string().nullable(),
    notification_id: z.string().nullable(),
    channels: listOf(
      z
        .object({ channel: z.string(), status: z.string(), reason_code: z.string().nullable() })
        .meta({ id: 'BatchChannel' }),
    ),
  })
  .meta({ id: 'BatchResult', description: 'What became of a line' }) as unknown as z.ZodType<BatchResult>;

const stateQuery = z.enum(RECIPIENT_STATES).optional();

export const resultQuery = z.strictObject({ state: stateQuery, limit: limitQuery, after: cursorQuery });
export const exportQuery = z.strictObject({ state: stateQuery });

export const resultPage = z.object({ results: listOf(batchResult), next: nextCursor }).meta({ id: 'BatchResultPage' });

export const resultExport = z.string().meta({ description: 'The results of all lines, each as a line of JSON' });
