import { z } from 'zod';
import type { ErasureView } from '../../store/erasure/erasures.ts';
import { idOf, storable, timestamp } from './common.ts';

/* Erasures of users. They never name the user. */

export const erasureBody = z
  .strictObject({
    reason: storable(z.string().trim().min(1).max(500))
      .optional()
      .meta({ description: 'For the audit log; without names', examples: ['request of 2 November'] }),
  })
  .meta({ id: 'ErasureBody' });

export const erasure = z
  .object({
    erasure_id: idOf('erasure'),
    status: z.enum(['running', 'done']),
    erased_at: timestamp.describe('Events with an event time up to this are rejected: user_erased'),
    finished_at: timestamp.nullable(),
    job_id: idOf('job'),
    counts: z
      .record(z.string(), z.number())
      .meta({ description: 'Rows deleted, by table', examples: [{ events: 12 }] }),
  })
  .meta({ id: 'Erasure', description: 'The erasure of a user' }) satisfies z.ZodType<ErasureView>;
