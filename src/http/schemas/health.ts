import { z } from 'zod';
import { listOf, timestamp } from './common.ts';
import { circuit } from './queue.ts';

export const liveness = z
  .object({
    status: z.enum(['live', 'stuck']),
    stuck: z.exactOptional(listOf(z.string())).describe('Loops that make no progress'),
  })
  .meta({ id: 'Liveness', description: 'Whether the process makes progress' });

const check = z
  .object({
    name: z.string().meta({ examples: ['database'] }),
    status: z.enum(['ok', 'degraded', 'failing']),
    since: timestamp,
    cause: z.exactOptional(z.string()),
    hint: z.exactOptional(z.string()),
    lag_seconds: z.exactOptional(z.number()),
  })
  .meta({ id: 'Check', description: 'The result of one health check' });

export const readiness = z
  .object({
    status: z.enum(['ready', 'degraded', 'not_ready', 'starting', 'stopping']),
    checks: listOf(check),
    circuits: z.exactOptional(listOf(circuit)).describe('Circuits of this process that are not closed'),
  })
  .meta({ id: 'Readiness', description: 'Whether the process should get traffic' });

export type Liveness = z.infer<typeof liveness>;
export type Readiness = z.infer<typeof readiness>;
