import type pg from 'pg';
import type { CatalogData } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import type { BacktestReport } from '../simulate/backtest/backtest.ts';
import { runBoundedBacktest } from '../simulate/backtest/run-backtest.ts';
import { DRAFT_BOUNDS, DRAFT_CATALOG_BYTES, DRAFT_STEPS } from './bounds.ts';
import { cutIntoSlices } from './slices.ts';

/** Longest time (ms) of a backtest over the API, and the events that it replays at most. */
const MAX_MS: Millis = 20_000;
const MAX_EVENTS = 200_000;
/** Examples of each change of a type. */
const EXAMPLES = 20;
/** Users that are counted, at most. */
const MAX_COUNTED = 1_000_000;
/** Users that are named as left out. */
const MAX_LEFT_OUT = 100;

export interface DraftBacktest extends BacktestReport {
  /** Users with a profile, of which those of the report are a part; up to MAX_COUNTED. */
  readonly total_users: number;
  /** Why it ended before the last user; null: it did not. Users follow in order of their ids, each with the whole history. */
  readonly reached: 'time' | 'events' | null;
}

export interface BacktestAsk {
  readonly tenantId: string;
  readonly since: Millis;
  readonly until: Millis;
  readonly userId: string | undefined;
}

/** Replays the stored history with a draft, and compares, within bounds. Writes nothing. */
export async function backtestDraft(
  pool: pg.Pool,
  seal: Seal,
  candidate: CatalogData,
  { tenantId, since, until, userId }: BacktestAsk,
): Promise<DraftBacktest> {
  const end = performance.now() + MAX_MS;
  let reached: DraftBacktest['reached'] = null;
  const bounds = {
    user: DRAFT_BOUNDS,
    steps: DRAFT_STEPS,
    catalogBytes: DRAFT_CATALOG_BYTES,
    examples: EXAMPLES,
    countedUsers: MAX_COUNTED,
    isOver: (events: number) => {
      if (events >= MAX_EVENTS) reached ??= 'events';
      else if (performance.now() > end) reached ??= 'time';
      return reached !== null;
    },
    pause: cutIntoSlices(),
  };
  const query = { tenantId, candidate, since, until, seal, bounds, ...(userId !== undefined && { userId }) };
  const { report, totalUsers } = await runBoundedBacktest(pool, query);
  return { ...report, left_out: report.left_out.slice(0, MAX_LEFT_OUT), total_users: totalUsers, reached };
}
