/**
 * npm run bench                     every row, 5 rounds, on a PostgreSQL of its own that is thrown away afterwards
 * npm run bench -- smtp latency     these rows: by id (--list), or by a word of their name; `ingest` stands for several
 * npm run bench -- --history 5000000   the ingest rows on an empty database, then with so many events stored before
 * npm run bench -- --against REV    this checkout and another revision in turns, and the ratio of each row
 *
 * What is compared is measured in turns within each round, so that a machine that slows down slows both.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { compareRevisions } from './compare/compare.ts';
import { formatComparison } from './compare/comparison.ts';
import { formatRowList } from './compare/row-list.ts';
import { fillHistory } from './history.ts';
import { machine, type RowResult, summarize, table } from './report.ts';
import type { Measured, Row } from './row.ts';
import { HISTORY_ROWS, ROWS } from './rows.ts';
import { selectRows } from './select-rows.ts';
import { type Setup, startSetup } from './setup.ts';

interface Options {
  readonly json?: string;
  readonly rounds?: number;
  readonly events: number;
  readonly deliveries: number;
  readonly history?: number;
  readonly against?: string;
  readonly pairs?: number;
  readonly list?: true;
}

const program = new Command('bench')
  .description('Measures Tidings against the limits of this machine, or against another revision.')
  .argument('[words...]', 'only these rows: an id (--list), part of a name, or "ingest"')
  .option('--list', 'print the id and the name of each row, and end')
  .option('--json <file>', 'write the numbers as JSON, too')
  .option(
    '--rounds <n>',
    'rounds, whose median counts; with --against in each turn (default: 5; --against: 1)',
    wholeNumber,
  )
  .option('--events <n>', 'events in a round', wholeNumber, 100_000)
  .option('--deliveries <n>', 'deliveries that there are before lists are read', wholeNumber, 1_000_000)
  .option('--history <n>', 'measure again with so many events stored before', wholeNumber)
  .option('--against <revision>', 'measure this checkout and a git revision in turns, and compare them')
  .option('--pairs <n>', 'with --against: turns of each side (default: 3)', wholeNumber)
  .parse();
const options: Options = program.opts();
if (options.against === undefined && options.pairs !== undefined) program.error('--pairs needs --against');
if (options.against !== undefined && options.history !== undefined)
  program.error('--history cannot be combined with --against');

if (options.list) console.log(formatRowList(ROWS));
else if (options.against !== undefined) await compare(options.against);
else await measure();

/** Compares with another revision. Ctrl-C ends it with what is measured by then. */
async function compare(revision: string): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      say('Stopping…');
      process.exitCode = 1;
      stop.abort();
    });
  }
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { pairs = 3, rounds = 1, events, json } = options;
  try {
    const compared = { root, revision, words: program.args, pairs, rounds, events };
    const report = await compareRevisions(compared, say, stop.signal);
    if (report.rows.length + report.failed.length + report.unpaired.length > 0) console.log(formatComparison(report));
    if (report.failed.length > 0) process.exitCode = 1;
    if (json) writeJson(json, report);
  } catch (error) {
    if (!stop.signal.aborted) program.error((error as Error).message);
  }
}

async function measure(): Promise<void> {
  const rows = selectRows(options.history ? HISTORY_ROWS : ROWS, program.args);
  if (rows.length === 0)
    program.error(`No row has that in its name. There are:\n  ${formatRowList(ROWS).replaceAll('\n', '\n  ')}`);
  const starting = startSetup(options, say);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void starting.then((setup) => setup.stop()).finally(() => process.exit(1)));
  }
  const setup = await starting;
  try {
    const { rows: version } = await setup.withEmpty(({ pool }) => pool.query<{ v: string }>('show server_version'));
    const about = machine(Object.values(version[0] ?? {}).join(''));
    const results = await measureAll(setup, rows, '');
    console.log(table(results));
    let later: RowResult[] | undefined;
    if (options.history) {
      await fillHistory(setup, options.history, say);
      later = await measureAll(setup, rows, ` with ${options.history.toLocaleString('en')} events before`);
      console.log(`\nWith ${options.history.toLocaleString('en')} events stored before:\n${table(later)}\n`);
      later.forEach((row, i) => {
        const change = (row.ratio / (results[i] as RowResult).ratio - 1) * 100;
        console.log(`${row.name}: ${change > 0 ? '+' : ''}${change.toFixed(0)} %`);
      });
    }
    if (options.json) {
      const content = {
        rows: results,
        ...(later ? { history: { events: options.history, rows: later } } : {}),
        machine: about,
      };
      writeJson(options.json, content);
    }
  } finally {
    await setup.stop();
  }
}

async function measureAll(setup: Setup, rows: readonly Row[], where: string): Promise<RowResult[]> {
  const { rounds: count = 5 } = options;
  const results: RowResult[] = [];
  for (const row of rows) {
    const lacking = row.lacks?.() ?? null;
    if (lacking !== null) {
      say(`${row.name} is left out, since ${lacking}.`);
      continue;
    }
    const rounds: Measured[] = [];
    for (let round = 1; round <= count; round++) {
      const measured = await row.measure(setup);
      rounds.push(measured);
      say(`${row.name}${where}: round ${round} of ${count}, ${(measured.value / measured.limit).toPrecision(3)}`);
    }
    results.push(summarize(row, rounds));
  }
  return results;
}

/** Progress goes beside the result, not into it. */
function say(line: string): void {
  console.error(line);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It is not a whole number above 0.');
  return value;
}

function writeJson(file: string, content: object): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
}
