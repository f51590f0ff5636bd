import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { Partitions } from '../store/pg/partitions.ts';
import type { Cleanup } from './cleanup.ts';
import { logRebuild } from './log-changes.ts';

/** Interval in ms at which the partitions of the next months are made. */
const PARTITIONS_INTERVAL_MS = 3_600_000;

/** Makes the partitions of the next months, now and from then on. */
export async function keepPartitions(
  pool: pg.Pool,
  clock: () => Millis,
  log: Logger,
  cleanup: Cleanup,
): Promise<Partitions> {
  const partitions = new Partitions(pool, { onRebuilt: logRebuild(log) });
  cleanup.push(() => partitions.stop());
  const create = async () => {
    const failed = await partitions.ensureAhead(clock());
    if (failed.length > 0)
      log.warn(
        { partitions: failed },
        'partitions could not be created yet; their rows are in the default partition, and move later',
      );
  };
  await create();
  const timer = setInterval(
    () => create().catch((error) => log.warn({ err: error }, 'maintenance task failed; will retry')),
    PARTITIONS_INTERVAL_MS,
  );
  cleanup.push(() => clearInterval(timer));
  return partitions;
}
