import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type pg from 'pg';
import { ruleSetOf } from '../catalog/compile/rule-set.ts';
import { loadCatalogFiles } from '../catalog/load/load.ts';
import { loadValidCatalog } from '../catalog/load/load-valid.ts';
import { readConfig } from '../config.ts';
import { startEmbedded } from '../embedded/embedded.ts';
import { CatalogError, ConfigError } from '../errors.ts';
import { type CatalogData, EMPTY_CATALOG } from '../model/catalog.ts';
import { DEFAULT_TENANT, type Millis } from '../model/event.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import { Backtest, type BacktestReport } from '../simulate/backtest.ts';
import { renderHtmlReport } from '../simulate/html-report.ts';
import { renderProgress, renderTextReport } from '../simulate/text-report.ts';
import { loadCatalogs } from '../store/catalogs.ts';
import { isUnreachable } from '../store/pg/errors.ts';
import { openPool } from '../store/pg/pool.ts';
import { countUsers, readHistories } from '../store/replay.ts';
import { parseDuration } from '../time/duration.ts';
import { parseTimestamp } from '../time/timestamp.ts';
import { escapeTerminal } from './escape-terminal.ts';
import { printError } from './run-command.ts';

interface Options {
  readonly catalog?: string;
  readonly since: string;
  readonly until?: string;
  readonly user?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly live?: boolean;
}

/** `backtest`: what another catalog would have sent. It only reads: nothing is written to the database, nothing is sent. */
export function backtestCommand(program: Command): void {
  program
    .command('backtest')
    .description('What a catalog would have sent over the stored events, against what was sent')
    .option('--catalog <dir>', 'the catalog to try')
    .option('--live', 'no other catalog: decide again what was decided, and tell what comes out differently')
    .requiredOption('--since <time>', 'from when on: 30d (ago), or 2025-10-31T00:00:00Z')
    .option('--until <time>', 'up to when (as --since); now if it is not said')
    .option('--user <id>', 'only this person')
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'write the report as a page, too')
    .action(async (options: Options) => {
      try {
        await run(options);
      } catch (error) {
        if (!isForUsers(error)) throw error;
        printError(error, isUnreachable(error) ? 'the database cannot be reached: ' : '');
        process.exitCode = 1;
      }
    });
}

async function run(options: Options): Promise<void> {
  const now = Date.now();
  const since = timeOf('--since', options.since, now);
  const until = options.until === undefined ? now : timeOf('--until', options.until, now);
  if (since >= until) throw new ConfigError('--since must be before --until');
  if ((options.catalog === undefined) !== (options.live ?? false)) {
    throw new ConfigError('say either --catalog DIR (what would it have sent?) or --live (is the past reproduced?)');
  }
  const candidate =
    options.catalog === undefined ? null : await loadValidCatalog(await loadCatalogFiles(options.catalog));
  const user = options.user === undefined ? {} : { userId: options.user };
  const report = await withDatabase(process.env, (pool) =>
    backtest(pool, { tenantId: DEFAULT_TENANT, candidate, since, until, ...user }, progressBar()),
  );
  if (options.html) await writeFile(options.html, renderHtmlReport(report));
  console.log(options.json ? JSON.stringify(report) : renderTextReport(report, escapeTerminal));
  if (report.reproduced && report.reproduced.different > 0) process.exitCode = 1;
}

export interface BacktestQuery {
  readonly tenantId: string;
  /** Null: the catalogs of the past. */
  readonly candidate: CatalogData | null;
  readonly since: Millis;
  readonly until: Millis;
  readonly userId?: string;
}

/** People read, of how many; events replayed. */
type Progress = (users: number, all: number, events: number, isDone: boolean) => void;

/** Reads, replays and compares everybody, a page of people at a time. */
export async function backtest(
  pool: pg.Pool,
  query: BacktestQuery,
  progress: Progress = () => {},
): Promise<BacktestReport> {
  const { tenantId, candidate, since, until, userId } = query;
  const applied = await loadCatalogs(pool, tenantId);
  const versions = versionsOf(applied);
  const set = candidate && ruleSetOf(Math.max(0, ...applied.keys()) + 1, candidate);
  const replay = new Backtest({ since, until, candidate: set, version: versions });
  const all = userId === undefined ? await countUsers(pool, tenantId) : 1;
  const includeIdle = (set?.recurring.length ?? 0) > 0;
  let users = 0;
  const user = userId === undefined ? {} : { userId };
  for await (const page of readHistories(pool, { tenantId, since, until, includeIdle, ...user })) {
    for (const left of page.leftOut) replay.leaveOut(left);
    for (const life of page.lives) replay.take(life);
    users += page.users;
    progress(users, all, replay.events, false);
  }
  progress(all, all, replay.events, true);
  return replay.report();
}

/** Compiled when they are first asked for: there may be many, of which few decided anything. */
function versionsOf(applied: ReadonlyMap<number, CatalogData>): (version: number) => RuleSet {
  const compiled = new Map<number, RuleSet>();
  return (version) => {
    let set = compiled.get(version);
    if (!set) {
      // Before a catalog is applied, nothing is decided.
      const data = applied.get(version) ?? EMPTY_CATALOG;
      set = ruleSetOf(version, data);
      compiled.set(version, set);
    }
    return set;
  };
}

async function withDatabase<T>(env: NodeJS.ProcessEnv, work: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const dataDir = resolve(env.TIDINGS_DATA_DIR || '.tidings');
  if (!env.DATABASE_URL && !existsSync(join(dataDir, 'postgres'))) {
    throw new ConfigError(
      `no Tidings has run in ${dataDir}; set TIDINGS_DATA_DIR or DATABASE_URL to where the events are`,
    );
  }
  const config = readConfig(env, { catalogDir: '' });
  const embedded = config.databaseUrl === null ? await startEmbedded({ dataDir }) : null;
  try {
    // Between two pages people are replayed in an open transaction, and a page may have to look far.
    const timeouts = { query: 0, idleInTransaction: 0 };
    const pool = openPool(embedded?.url ?? (config.databaseUrl as string), {
      max: 2,
      name: 'tidings backtest',
      timeouts,
    });
    try {
      return await work(pool);
    } finally {
      await pool.end();
    }
  } finally {
    await embedded?.stop();
  }
}

/** On stderr: what a program reads from stdout stays clean. */
function progressBar(): Progress {
  const since = performance.now();
  const { isTTY } = process.stderr;
  let shown = since;
  return (users, all, events, isDone) => {
    const now = performance.now();
    if (!isDone && now - shown < (isTTY ? 100 : 5000)) return;
    shown = now;
    const text = renderProgress(users, all, events, (now - since) / 1000);
    process.stderr.write(isTTY ? `\r${text}${isDone ? '\n' : ''}` : `${text}\n`);
  };
}

function timeOf(option: string, text: string, now: Millis): Millis {
  const duration = parseDuration(text);
  if ('ms' in duration) return now - duration.ms;
  const time = parseTimestamp(text);
  if ('time' in time) return time.time;
  throw new ConfigError(`${option} is "${text}"; write how long ago (30d, 12h) or a time (2025-10-31T00:00:00Z)`);
}

function isForUsers(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof CatalogError || isUnreachable(error);
}
