import type pg from 'pg';
import { CatalogCache } from '../../src/catalog/cache.ts';
import { Pipeline } from '../../src/ingest/pipeline.ts';
import type { CatalogData } from '../../src/model/catalog.ts';
import type { JsonObject, Millis } from '../../src/model/event.ts';
import { systemActor } from '../../src/model/principal.ts';
import { Seal } from '../../src/privacy/seal.ts';
import type { BacktestReport } from '../../src/simulate/backtest/backtest.ts';
import { runBacktest } from '../../src/simulate/backtest/run-backtest.ts';
import { applyCatalog } from '../../src/store/apply-catalog.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import type { StoredHistory } from '../../src/store/replay.ts';
import { readHistories } from '../../src/store/replay.ts';
import { formatLocalTimeKey, nextOccurrence, resolveZone } from '../../src/time/calendar.ts';
import type { TestDatabase } from './database.ts';
import { toItem } from './history-steps.ts';
import { BASE, HOUR } from './random-catalog.ts';
import type { Step } from './random-history.ts';
import { silent } from './tidings.ts';

/** Histories of tenants in a database, and backtests of them. */

const USERS = ['u0', 'u1'];

/** Reads the stored histories of a tenant, with those of users without events in the period if asked. */
export async function readAllHistories(
  pool: pg.Pool,
  query: Parameters<typeof readHistories>[1],
): Promise<StoredHistory[]> {
  const all: StoredHistory[] = [];
  for await (const { histories } of readHistories(pool, query)) all.push(...histories);
  return all;
}

/** Backtests a tenant; without a candidate against its own past. */
export function backtestTenant(
  pool: pg.Pool,
  tenantId: string,
  since: Millis,
  until: Millis,
  candidate: CatalogData | null = null,
): Promise<BacktestReport> {
  return runBacktest(pool, { tenantId, candidate, since, until });
}

/**
 * Runs a history through the pipeline and the database, for a tenant; returns when it ends.
 * @param onTime every wait fires when it is due, not at the steps of the history
 */
export async function runHistory(
  { pool }: TestDatabase,
  tenantId: string,
  versions: readonly CatalogData[],
  steps: readonly Step[],
  onTime = false,
): Promise<Millis> {
  let now = BASE;
  let made = 0;
  let applied = 0;
  let active = versions[0] as CatalogData;
  const catalogs = new CatalogCache(pool);
  const pipeline = new Pipeline({
    pool,
    catalogs,
    partitions: new Partitions(pool),
    seal: new Seal(Buffer.alloc(32)),
    clock: () => now,
    log: silent,
  });
  await applyCatalog(pool, tenantId, active, systemActor('test'), now);
  let schedulesUntil = now;
  const fireUntil = async (to: Millis) => {
    for (;;) {
      const { rows } = await pool.query<{ due: Millis | null }>(
        `select min(due_at) as due from waits where tenant_id = $1 and status = 'waiting'`,
        [tenantId],
      );
      const due = rows[0]?.due ?? null;
      if (due === null || due > to) break;
      now = Math.max(now, due);
      await pipeline.fireDueWaits(tenantId, USERS);
    }
    now = Math.max(now, to);
  };
  for (const step of steps) {
    if (onTime) await fireUntil(now + step.gap);
    else now += step.gap;
    if (step.kind === 'post') {
      await pipeline.ingest(
        tenantId,
        step.events.map((event) => toItem(event, ++made, now)),
      );
    } else if (step.kind === 'apply') {
      active = versions[++applied % versions.length] as CatalogData;
      await applyCatalog(pool, tenantId, active, systemActor('test'), now);
      // Some of them also move the pending waits; not in the millisecond of a post, since their order is not stored.
      if (step.gap >= HOUR) {
        now++;
        for (const { name: rule } of active.rules) await pipeline.migrateWaits({ tenantId, rule }, USERS);
      }
    } else {
      await pipeline.fireDueWaits(tenantId, USERS);
      for (const rule of active.rules) {
        if (!rule.every) continue;
        for (const userId of USERS) {
          const zone = resolveZone(rule.zone, await traitsOf(pool, tenantId, userId));
          const due = nextOccurrence(rule.every.cron, zone, schedulesUntil);
          if (due === null || due > now) continue;
          const label = formatLocalTimeKey(due, zone, rule.every?.cron);
          // The order of two runs in one millisecond is not stored.
          now++;
          const occurrence = { tenantId, rule: rule.name, cron: rule.every.cron, zone, due, label };
          await pipeline.runSchedule(occurrence, [userId], async () => {});
        }
      }
      schedulesUntil = now;
    }
  }
  await pipeline.drain();
  return now;
}

async function traitsOf(pool: TestDatabase['pool'], tenantId: string, userId: string): Promise<JsonObject> {
  const { rows } = await pool.query('select traits from users where tenant_id = $1 and user_id = $2', [
    tenantId,
    userId,
  ]);
  return rows[0]?.traits ?? {};
}
