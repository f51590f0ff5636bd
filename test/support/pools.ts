import type pg from 'pg';
import { openPool } from '../../src/store/pg/pool.ts';

/** Pools of connections as several processes have them, which are opened when first asked for. */
export function openPools(count: number) {
  let pools: pg.Pool[] = [];
  return {
    open(url: string): readonly pg.Pool[] {
      if (pools.length === 0)
        pools = Array.from({ length: count }, (_, n) => openPool(url, { max: 4, name: `process ${n}` }));
      return pools;
    },
    close: () => Promise.all(pools.map((pool) => pool.end())),
  };
}
