import type pg from 'pg';
import type { Millis } from '../model/event.ts';
import { REPORTED_OFFSET_MS } from '../store/pg/database-clock.ts';
import type { Replica } from '../store/pg/replica.ts';
import { findLostSettings } from '../store/pg/session.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import { type HealthCheck, OK } from './check.ts';

const DATABASE_MAX_AGE_MS: Millis = 1000;
const SETTINGS_MAX_AGE_MS: Millis = 10_000;
const CLOCK_MAX_AGE_MS: Millis = 1000;
const REPLICA_MAX_AGE_MS: Millis = 1000;
const ISOLATION_MAX_AGE_MS: Millis = 10_000;

/** Checks that PostgreSQL responds and accepts writes. */
export function checkDatabase(pool: pg.Pool): HealthCheck {
  return {
    name: 'database',
    maxAge: DATABASE_MAX_AGE_MS,
    whenUnknown: 'failing',
    async run() {
      const { rows } = await pool.query<{ standby: boolean }>({
        name: 'health-database',
        text: 'select pg_is_in_recovery() as standby',
      });
      if (!rows[0]?.standby) return OK;
      return {
        status: 'failing',
        cause: 'PostgreSQL is read-only: it is a standby',
        hint: 'let DATABASE_URL lead to the primary',
      };
    },
  };
}

/**
 * Checks one session of each pool for the settings that every statement relies on. A session that has lost them is closed,
 * and replaced at its next use. A pool whose sessions are all in use is left out: the check never makes work wait.
 */
export function checkSettings(pools: readonly pg.Pool[]): HealthCheck {
  return {
    name: 'settings',
    maxAge: SETTINGS_MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const lost = new Set<string>();
      let isReplacementLost = false;
      for (const pool of pools) {
        if (pool.idleCount === 0 || pool.waitingCount > 0) continue;
        const found = await checkSession(pool);
        if (found.length === 0) continue;
        for (const name of found) lost.add(name);
        if ((await checkSession(pool)).length > 0) isReplacementLost = true;
      }
      if (lost.size === 0) return OK;
      return {
        status: isReplacementLost ? 'failing' : 'degraded',
        cause: `a session with the database has lost its settings (${[...lost].join(', ')})`,
        hint: isReplacementLost
          ? 'set TIDINGS_DIRECT_DATABASE_URL beside a connection pooler in transaction mode, or use its session mode; then restart Tidings'
          : 'the session was replaced; if this repeats, look for a program between Tidings and PostgreSQL that resets sessions',
      };
    },
  };
}

async function checkSession(pool: pg.Pool): Promise<string[]> {
  const session = await pool.connect();
  let lost: string[] = [];
  try {
    lost = await findLostSettings(session);
    return lost;
  } finally {
    session.release(lost.length > 0);
  }
}

/** Checks that row-level security still holds for the login of the API. */
export function checkIsolation(database: TenantDatabase): HealthCheck {
  return {
    name: 'isolation',
    maxAge: ISOLATION_MAX_AGE_MS,
    whenUnknown: 'degraded',
    async run() {
      const cause = await database.findBypass();
      if (cause === null) return OK;
      return {
        status: 'failing',
        cause: `the login of the API is not bound to one tenant: ${cause}`,
        hint: 'take this right from the role again; see docs/security.md',
      };
    },
  };
}

/** Checks that the replica is read, and says how far it is behind. */
export function checkReplica(replica: Pick<Replica, 'state'>): HealthCheck {
  return {
    name: 'replica',
    maxAge: REPLICA_MAX_AGE_MS,
    whenUnknown: 'degraded',
    run() {
      const { lag, cause } = replica.state;
      const known = lag === null ? {} : { lag };
      if (cause === null) return { status: 'ok', ...known };
      return {
        status: 'degraded',
        cause: `the primary answers in place of the replica: ${cause}`,
        hint: 'look at the replica and its connection to the primary (pg_stat_replication), and at TIDINGS_REPLICA_…',
        ...known,
      };
    },
  };
}

/** Checks the clock of this process. @param getOffset returns how far it is ahead of the clock of the database, in ms */
export function checkClock(getOffset: () => Millis): HealthCheck {
  return {
    name: 'clock',
    maxAge: CLOCK_MAX_AGE_MS,
    whenUnknown: 'degraded',
    run() {
      const offset = getOffset();
      if (Math.abs(offset) <= REPORTED_OFFSET_MS) return OK;
      const seconds = Math.round(Math.abs(offset) / 1000);
      return {
        status: 'degraded',
        cause: `the clock of this process is ${seconds} s ${offset > 0 ? 'ahead of' : 'behind'} the clock of the database`,
        hint: 'synchronize the clocks of both machines, for example by NTP',
      };
    },
  };
}
