/**
 * npm run bench                     every row, 5 rounds, on a PostgreSQL of its own that is thrown away afterwards
 * npm run bench -- smtp latency     the rows whose name contains one of the words
 * npm run bench -- --history 5000000   the ingest rows on an empty database, then with so many events stored before
 *
 * What is compared is measured in turns within each round, so that a machine that slows down slows both.
 */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { fillHistory } from './history.ts';
import { machine, type RowResult, summarise, table } from './report.ts';
import type { Measured, Row } from './row.ts';
import { backtestRow } from './rows/backtest.ts';
import { batchRow } from './rows/batch.ts';
import { cpuRow } from './rows/cpu.ts';
import { deliveredRow } from './rows/delivered.ts';
import { deliveryRow } from './rows/delivery.ts';
import { httpRow } from './rows/http.ts';
import { latencyRow } from './rows/latency.ts';
import { rulesRow } from './rows/rules.ts';
import { singleRow } from './rows/single.ts';
import { smtpRow } from './rows/smtp.ts';
import { pendingRow, timersRow } from './rows/timers.ts';
import { type Setup, startSetup } from './setup.ts';

const ROWS: readonly Row[] = [
  batchRow,
  httpRow,
  deliveredRow,
  singleRow,
  deliveryRow,
  smtpRow,
  latencyRow,
  cpuRow,
  rulesRow,
  backtestRow,
  timersRow,
  pendingRow,
];
const INGEST_ROWS: readonly Row[] = [batchRow, httpRow, deliveredRow];

interface Options {
  readonly json?: string;
  readonly rounds: number;
  readonly events: number;
  readonly history?: number;
}

const program = new Command('bench')
  .description('Measures Tidings against the limits of this machine.')
  .argument('[names...]', 'only the rows whose name contains one of these')
  .option('--json <file>', 'write the numbers as JSON, too')
  .option('--rounds <n>', 'rounds; their median counts', wholeNumber, 5)
  .option('--events <n>', 'events in a round', wholeNumber, 100_000)
  .option('--history <n>', 'measure again with so many events stored before')
  .parse();
const options = { ...program.opts(), ...historyOption(program.opts().history) } as Options;
const wanted = program.args.map((name) => name.toLowerCase());
const rows = (options.history ? INGEST_ROWS : ROWS).filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.toLowerCase().includes(word)),
);
if (rows.length === 0)
  program.error(`No row has that in its name. There are:\n  ${ROWS.map((row) => row.name).join('\n  ')}`);

const setup = await startSetup(options.events, say);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void setup.stop().finally(() => process.exit(1)));
}
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
    writeFileSync(options.json, `${JSON.stringify(content, null, 2)}\n`);
  }
} finally {
  await setup.stop();
}

async function measureAll(setup: Setup, rows: readonly Row[], where: string): Promise<RowResult[]> {
  const results: RowResult[] = [];
  for (const row of rows) {
    const rounds: Measured[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      const measured = await row.measure(setup);
      rounds.push(measured);
      say(
        `${row.name}${where}: round ${round} of ${options.rounds}, ${(measured.value / measured.limit).toPrecision(3)}`,
      );
    }
    results.push(summarise(row, rounds));
  }
  return results;
}

/** Progress goes beside the result, not into it. */
function say(line: string): void {
  console.error(line);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) program.error(`${text} is not a whole number above 0`);
  return value;
}

function historyOption(text: string | undefined): { history?: number } {
  return text === undefined ? {} : { history: wholeNumber(text) };
}
