import type pg from 'pg';
import { readConfig } from '../../config.ts';
import type { Millis } from '../../model/event.ts';
import type { Seal } from '../../privacy/seal.ts';
import { Replica } from '../../store/pg/replica.ts';
import { dropTimeouts } from '../../store/pg/session.ts';
import { isoTime } from '../../time/iso-time.ts';
import { withTenantDatabase } from './with-database.ts';

/** Time (ms) that a command waits for the replica to have what the primary has. */
const PATIENCE_MS: Millis = 10_000;
/** A command may read for hours on one snapshot. */
const NO_TIMEOUTS = { query: 0, statement: 0, idleInTransaction: 0 };

/**
 * Opens the database like `withTenantDatabase`, for a command that only reads, and much: from the replica, if one is configured and
 * has all that is stored within some seconds. Says on stderr which of the two was read. If the replica ends the work, as it may for
 * what it has to replay, the work is done once more on the primary.
 */
export function withReadDatabase<T>(
  env: NodeJS.ProcessEnv,
  name: string,
  doneMasked: string,
  work: (pool: pg.Pool, seal: Seal, tenantId: string) => Promise<T>,
): Promise<T> {
  return withTenantDatabase(env, name, doneMasked, async (primary, seal, tenantId) => {
    const { replicaDatabaseUrl, replicaMaxLag: maxLag } = readConfig(env, { catalogDir: '' });
    if (replicaDatabaseUrl === null) return work(primary, seal, tenantId);
    const clock = await readClock(primary);
    const url = dropTimeouts(replicaDatabaseUrl);
    const replica = new Replica({ url, primary, clock, maxLag, max: 2, timeouts: NO_TIMEOUTS });
    try {
      await replica.start();
      const reads = replica.reads(primary, () => replica.openOwner());
      const { value, asOf } = await reads.caughtUp((pool) => work(pool, seal, tenantId), PATIENCE_MS);
      const { cause } = replica.state;
      if (asOf !== null) console.error(`tidings: read from the replica, as of ${isoTime(asOf)}`);
      else console.error(`tidings: read from the primary: ${cause ?? 'the replica was behind, or ended the work'}`);
      return value;
    } finally {
      await replica.stop();
    }
  });
}

/** Returns the clock of the database, as it is now and counted on from there. */
async function readClock(pool: pg.Pool): Promise<() => Millis> {
  const { rows } = await pool.query<{ now: Millis }>('select clock_timestamp() as now');
  const offset = (rows[0]?.now ?? 0) - performance.now();
  return () => offset + performance.now();
}
