import { z } from 'zod';
import type { OpenCircuit } from '../../delivery/open-circuit.ts';
import { CHANNELS, OVERDUE_AFTER_MS } from '../../model/delivery.ts';
import { INSTALLATION_ACCOUNT } from '../../model/route.ts';
import { MAX_OVERDUE_COUNT, QUEUES } from '../../store/deliveries/overdue.ts';
import { MOVE_PAUSE_MS } from '../../store/route-moves.ts';
import { listOf, timestamp } from './common.ts';

const overdue = z
  .object({
    queue: z.enum(QUEUES),
    channel: z.enum(CHANNELS).nullable().describe('The channel of deliveries; null for another queue'),
    count: z.int(),
    has_more: z.boolean().describe(`True if only the first ${MAX_OVERDUE_COUNT} were counted`),
    oldest_due_at: timestamp,
  })
  .meta({ id: 'Overdue', description: 'Work that is due and not claimed' });

export const circuit = z
  .object({
    provider: z.string().meta({ examples: ['smtp'] }),
    account: z.string().nullable().describe('Of the tenant; null: that of the installation'),
    domain: z.string().nullable().describe('Of the recipients; null: the provider itself'),
    of: z
      .enum(['installation', 'account', 'domain'])
      .describe("Of the installation's account, of an account of a tenant, or of a domain of recipients"),
    since: timestamp,
    code: z
      .enum(['failures', 'misconfigured', 'retry_after'])
      .describe('Why nothing is sent: failures in a row, wrong settings, or the provider has asked for a pause'),
    cause: z.string().describe('The failure that opened it'),
    next_probe_at: timestamp,
  })
  .meta({
    id: 'Circuit',
    description: 'Something to which nothing is sent at present',
  }) satisfies z.ZodType<OpenCircuit>;

const move = z
  .object({
    channel: z.enum(CHANNELS),
    account: z.string().meta({
      description: `Name of the account; ${INSTALLATION_ACCOUNT}: that of the installation`,
      examples: ['ses_eu'],
    }),
    share: z.int().meta({ description: 'Percent of its messages that it keeps', examples: [10] }),
    since: timestamp,
    moved_at: timestamp.describe(`The next step comes at least ${MOVE_PAUSE_MS / 60_000} minutes later`),
    cause: z.string(),
  })
  .meta({ id: 'RouteMove', description: 'An account that fails, whose messages go by others' });

export const queueState = z
  .object({
    overdue: listOf(overdue).describe(`Work that has been due for ${OVERDUE_AFTER_MS / 1000} s and is not claimed`),
    circuits: listOf(circuit).describe(
      'Circuits of the accounts of the tenant and of the installation that are not closed, in any process; at most 20',
    ),
    moves: listOf(move).describe('Accounts from which messages are moved away at present'),
  })
  .meta({ id: 'QueueState', description: 'What holds up the queues' });
