import type pg from 'pg';
import type { Metrics } from './registry.ts';

/** Has the pools of a process measured: how long work waits for a connection, and how long it uses one. */
export function watchPools(metrics: Metrics, pools: readonly pg.Pool[]): void {
  for (const pool of pools) watchPool(metrics, pool, nameOf(pool));
  metrics.beforeScrape(() => {
    for (const pool of pools) {
      const name = nameOf(pool);
      const { totalCount, idleCount, waitingCount } = pool;
      metrics.set('connections', totalCount - idleCount, { pool: name, state: 'active' });
      metrics.set('connections', idleCount, { pool: name, state: 'idle' });
      metrics.set('connections', waitingCount, { pool: name, state: 'waiting' });
      metrics.set('connectionsMax', pool.options.max, { pool: name });
    }
  });
}

function watchPool(metrics: Metrics, pool: pg.Pool, name: string): void {
  const since = new WeakMap<object, number>();
  const labels = { pool: name };
  pool.on('acquire', (client) => since.set(client, performance.now()));
  pool.on('release', (error, client) => {
    const startedAt = since.get(client);
    if (startedAt !== undefined) metrics.observe('connectionUse', (performance.now() - startedAt) / 1000, labels);
    if (error) metrics.add('connectionErrors', labels);
  });
  // A query of the pool asks for its connection in the same way.
  const connect = pool.connect.bind(pool) as (callback: (...args: unknown[]) => void) => void;
  const measured = (callback?: (...args: unknown[]) => void) => {
    if (!callback) {
      return new Promise((resolve, reject) =>
        measured((error, client) => (error ? reject(error as Error) : resolve(client))),
      );
    }
    const startedAt = performance.now();
    connect((...args) => {
      metrics.observe('connectionWait', (performance.now() - startedAt) / 1000, labels);
      if (args[0]) metrics.add('connectionErrors', labels);
      callback(...args);
    });
    return undefined;
  };
  pool.connect = measured as typeof pool.connect;
}

/** `ingest` of `tidings ingest`: one of the uses in src/store/pg/connections.ts. */
function nameOf({ options }: pg.Pool): string {
  return (options.application_name ?? 'other').replace(/^tidings /, '');
}
