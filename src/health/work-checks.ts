import type pg from 'pg';
import type { OpenCircuit } from '../delivery/open-circuit.ts';
import { CHANNELS, OVERDUE_AFTER_MS } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import { countOurDeadLetters } from '../store/deliveries/dead-letters.ts';
import { loadOverdue, MAX_OVERDUE_COUNT, type Overdue, type Queue } from '../store/deliveries/overdue.ts';
import { listRouteMoves } from '../store/route-moves.ts';
import { countSetAside } from '../store/waits/failed-waits.ts';
import { type HealthCheck, OK } from './check.ts';

const OVERDUE_MAX_AGE_MS: Millis = 5000;

/** Checks that workers do what becomes due, in this process or another. */
export function checkOverdue(pool: pg.Pool, clock: () => Millis): HealthCheck {
  return {
    name: 'overdue',
    maxAge: OVERDUE_MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const now = clock();
      const overdue = await loadOverdue(pool, {
        tenantId: null,
        channels: CHANNELS,
        before: now - OVERDUE_AFTER_MS,
        now,
      });
      if (overdue.length === 0) return OK;
      return {
        status: 'degraded',
        since: Math.min(...overdue.map(({ oldest }) => oldest)) + OVERDUE_AFTER_MS,
        cause: `due for more than ${OVERDUE_AFTER_MS / 1000} s and not claimed: ${overdue.map(formatOverdue).join(', ')}`,
        hint: 'check that workers run (`tidings workers`), that their circuits are closed, and that their clocks are right; after downtime, the backlog shrinks by itself',
      };
    },
  };
}

function formatOverdue({ queue, channel, count }: Overdue): string {
  const number = count === MAX_OVERDUE_COUNT ? `at least ${count}` : `${count}`;
  const [one, several] = NOUNS[queue];
  return `${number} ${channel === null ? '' : `${channel} `}${count === 1 ? one : several}`;
}

const NOUNS: { readonly [queue in Queue]: readonly [one: string, several: string] } = {
  deliveries: ['delivery', 'deliveries'],
  abandoned: ['abandoned delivery', 'abandoned deliveries'],
  waits: ['wait', 'waits'],
  schedules: ['schedule', 'schedules'],
  outbox: ['outbox event', 'outbox events'],
  connector_tasks: ['task of a connector', 'tasks of connectors'],
  webhook_facts: ['fact for webhook endpoints', 'facts for webhook endpoints'],
};

/** Waits that are set aside and counted, at most. */
const MAX_SET_ASIDE_COUNT = 1000;

/** Checks that no wait is set aside, because it could not be fired. */
export function checkSetAsideWaits(pool: pg.Pool): HealthCheck {
  return {
    name: 'waits',
    maxAge: OVERDUE_MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const found = await countSetAside(pool, MAX_SET_ASIDE_COUNT);
      if (!found) return OK;
      const { count, since } = found;
      const number = count === MAX_SET_ASIDE_COUNT ? `at least ${count}` : `${count}`;
      return {
        status: 'degraded',
        since,
        cause: `${number} ${count === 1 ? 'wait' : 'waits'} could not be fired and ${count === 1 ? 'is' : 'are'} set aside`,
        hint: 'see `tidings waits list --set-aside`, then `tidings waits retry` or `dismiss`; no other wait is held up',
      };
    },
  };
}

/** Dead letters that are counted, at most. */
const MAX_LETTER_COUNT = 1000;

/**
 * Checks that no message failed through our own fault. Failures of recipients, messages, accounts and providers are for those who
 * send (`tidings dead-letters`), and concern no operator of this installation.
 */
export function checkDeadLetters(pool: pg.Pool): HealthCheck {
  return {
    name: 'dead_letters',
    maxAge: OVERDUE_MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const found = await countOurDeadLetters(pool, MAX_LETTER_COUNT);
      if (!found) return OK;
      const { count, since } = found;
      const number = count === MAX_LETTER_COUNT ? `at least ${count}` : `${count}`;
      return {
        status: 'degraded',
        since,
        cause: `${number} ${count === 1 ? 'delivery' : 'deliveries'} failed, or may have been sent or not, through the fault of Tidings`,
        hint: 'see `tidings dead-letters list --fault us`, then `tidings dead-letters retry` or `cancel`; no other delivery is held up',
      };
    },
  };
}

/** Checks that no messages are moved away from an account that fails. Anyone may read the answer: it names no tenant or account. */
export function checkRouteMoves(pool: pg.Pool): HealthCheck {
  return {
    name: 'routes',
    maxAge: OVERDUE_MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const moves = await listRouteMoves(pool, null);
      if (moves.length === 0) return OK;
      const channels = [...new Set(moves.map(({ channel }) => channel))].sort();
      const accounts = moves.length === 1 ? '1 account that fails' : `${moves.length} accounts that fail`;
      return {
        status: 'degraded',
        since: Math.min(...moves.map(({ since }) => since)),
        cause: `messages are moved away from ${accounts} (${channels.join(', ')})`,
        hint: 'they come back by themselves, in two steps, some minutes after the account works again; the log and the deliveries name them',
      };
    },
  };
}

/** Names of circuits in a cause, at most. */
const MAX_NAMED_CIRCUITS = 3;

/**
 * Checks that no circuit of the installation's own accounts is open in this process. Those of tenants' accounts are theirs to fix.
 */
export function checkCircuits(listOpen: () => readonly OpenCircuit[]): HealthCheck {
  return {
    name: 'circuits',
    maxAge: 0,
    whenUnknown: 'degraded',
    run() {
      const open = listOpen().filter(({ of }) => of === 'installation');
      if (open.length === 0) return OK;
      const named = open.slice(0, MAX_NAMED_CIRCUITS).map(({ provider, cause }) => `${provider}: ${cause}`);
      return {
        status: 'degraded',
        since: Math.min(...open.map(({ since }) => Date.parse(since))),
        cause: named.join('; '),
        hint: 'deliveries wait until a probe succeeds (`circuits`: next_probe_at); fix the provider or its settings',
      };
    },
  };
}
