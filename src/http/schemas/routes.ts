import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { INSTALLATION_ACCOUNT } from '../../model/route.ts';
import { listOf, timestamp } from './common.ts';
import { circuit } from './queue.ts';

/* The accounts by which messages go at present. */

const lastMove = z
  .object({
    share: z.int().describe('Percent of its messages that it keeps; 100: it has all of them again'),
    since: timestamp.describe('When messages were first moved away'),
    moved_at: timestamp,
    cause: z.string(),
  })
  .meta({ id: 'LastMove', description: 'The latest step by which messages were moved away from an account, or back' });

const entry = z
  .object({
    account: z.string().meta({
      description: `Name of the account; ${INSTALLATION_ACCOUNT}: that of the installation`,
      examples: ['ses_eu'],
    }),
    provider: z.string().nullable().describe('Null: that of the installation, or the account does not exist'),
    tier: z.int(),
    weight: z.int(),
    when: z.string().nullable().describe('The condition; null: every message'),
    missing: z
      .enum(['unknown_account', 'account_disabled', 'other_channels', 'no_own_account'])
      .nullable()
      .describe('Why no message goes by it; null: messages may'),
    circuit: circuit.nullable().describe('Null: its circuit is closed'),
    failover_to: z
      .string()
      .nullable()
      .describe('The account that its messages go by, of which the circuit is; null: they go by itself'),
    share: z
      .number()
      .nullable()
      .describe(
        'Percent of the messages that go by it at present, of those that no condition holds for; null: its condition decides',
      ),
    waiting: z.number().nullable().describe('Percent of the messages that wait for it, as above'),
    move: lastMove.nullable().describe('Null: messages were never moved away from it'),
  })
  .meta({ id: 'RouteEntryState', description: 'An account of a route as it is at present' });

const route = z
  .object({
    channel: z.enum(CHANNELS),
    origin: z
      .enum(['catalog', 'accounts'])
      .describe('catalog: its routes.yaml; accounts: it has no route, and the places of the accounts decide'),
    entries: listOf(entry),
  })
  .meta({ id: 'RouteState', description: 'The accounts by which the messages of a channel go' });

export const routeStates = z
  .object({ routes: listOf(route).describe('A channel without a route and without an account is not listed') })
  .meta({ id: 'RouteStates' });
