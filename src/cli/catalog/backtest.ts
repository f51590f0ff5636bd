import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { loadValidCatalog } from '../../catalog/load-valid-catalog.ts';
import { ConfigError } from '../../errors.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import type { BacktestReport } from '../../simulate/backtest/backtest.ts';
import { renderHtmlReport } from '../../simulate/backtest/html-report.ts';
import { type BacktestProgress, type BacktestQuery, runBacktest } from '../../simulate/backtest/run-backtest.ts';
import { renderProgress, renderTextReport } from '../../simulate/backtest/text-report.ts';
import { parseDuration } from '../../time/duration.ts';
import { parseTimestamp } from '../../time/timestamp.ts';
import { withReadDatabase } from '../database/with-replica.ts';
import { failUsage } from '../exit-codes.ts';
import { escapeTerminal } from '../output/escape-terminal.ts';
import { runDatabaseCommand } from '../run-command.ts';

const TERMINAL_PROGRESS_MS: Millis = 100;
const LOG_PROGRESS_MS: Millis = 5000;

/** The query of a backtest, without its tenant. */
type BacktestPeriod = Omit<BacktestQuery, 'tenantId'>;

interface Options {
  readonly catalog?: string;
  readonly since: string;
  readonly until?: string;
  readonly user?: string;
  readonly json?: boolean;
  readonly html?: string;
  readonly live?: boolean;
}

/** Adds the command `backtest`. It only reads: it writes nothing to the database and sends nothing. */
export function addBacktestCommand(program: Command): void {
  program
    .command('backtest')
    .description('Compare what a catalog would have sent over the stored events with what was sent')
    .option('--catalog <dir>', 'the catalog to try')
    .option('--live', 'repeat the past decisions with the catalogs of their time, and report differences')
    .requiredOption('--since <time>', 'start of the period: 30d (ago), or 2025-10-31T00:00:00Z')
    .option('--until <time>', 'end of the period, written as --since; now by default')
    .option('--user <id>', 'only this user_id')
    .option('--json', 'print the report as JSON')
    .option('--html <file>', 'write the report as an HTML page as well')
    .action((options: Options) =>
      runDatabaseCommand(async () => {
        const query = await toQuery(options, Date.now());
        const report = await withReadDatabase(process.env, 'tidings backtest', 'replayed', (pool, seal, tenantId) =>
          runBacktest(pool, { ...query, tenantId, seal }, newProgressBar()),
        );
        if (options.html) await writeFile(options.html, renderHtmlReport(report));
        printReport(report, options.json ?? false);
      }),
    );
}

/** @throws CommanderError for options that cannot be combined or parsed; CatalogError for a catalog with errors */
async function toQuery(options: Options, now: Millis): Promise<BacktestPeriod> {
  if ((options.catalog === undefined) !== (options.live ?? false)) {
    failUsage('use either --catalog DIR (what would it have sent?) or --live (is the past reproduced?)');
  }
  const candidate = options.catalog === undefined ? null : await loadValidCatalog(options.catalog);
  try {
    return toBacktestQuery(options, candidate, now);
  } catch (error) {
    if (error instanceof ConfigError) failUsage(error.message);
    throw error;
  }
}

/**
 * Returns the query of a backtest, without its tenant.
 * @param candidate null: the past decisions are repeated
 * @throws ConfigError for a period that cannot be parsed, or ends before it starts
 */
export function toBacktestQuery(
  period: { readonly since: string; readonly until?: string | undefined; readonly user?: string | undefined },
  candidate: CatalogData | null,
  now: Millis,
): BacktestPeriod {
  const since = parseTime('--since', period.since, now);
  const until = period.until === undefined ? now : parseTime('--until', period.until, now);
  if (since >= until) throw new ConfigError('--since must be before --until');
  const user = period.user === undefined ? {} : { userId: period.user };
  return { candidate, since, until, ...user };
}

function printReport(report: BacktestReport, asJson: boolean): void {
  console.log(asJson ? JSON.stringify(report) : renderTextReport(report, escapeTerminal));
  if (report.reproduced && report.reproduced.different > 0) process.exitCode = 1;
}

/** Returns a function that prints progress to stderr, so that stdout holds only the report. */
function newProgressBar(): (progress: BacktestProgress) => void {
  const started = performance.now();
  const { isTTY } = process.stderr;
  let shown = started;
  return ({ users, totalUsers, events, isDone }) => {
    const now = performance.now();
    if (!isDone && now - shown < (isTTY ? TERMINAL_PROGRESS_MS : LOG_PROGRESS_MS)) return;
    shown = now;
    const text = renderProgress(users, totalUsers, events, (now - started) / 1000);
    process.stderr.write(isTTY ? `\r${text}${isDone ? '\n' : ''}` : `${text}\n`);
  };
}

function parseTime(option: string, text: string, now: Millis): Millis {
  const duration = parseDuration(text);
  if ('ms' in duration) return now - duration.ms;
  const timestamp = parseTimestamp(text);
  if ('time' in timestamp) return timestamp.time;
  throw new ConfigError(`${option} is "${text}"; write how long ago (30d, 12h) or a time (2025-10-31T00:00:00Z)`);
}
