/**
 * npm run torture -- [--kills N] [--seed S] [--json]: see torture.ts.
 * npm run torture -- --chaos [--notifications N] [--seed S] [--json]: see chaos/chaos.ts.
 * npm run torture -- batch [--minutes N] [--recipients N] [--every S] [--directory D] [--seed S] [--json]: see batch.ts.
 * npm run torture -- kafka [--messages N] [--seed S] [--json]: see kafka.ts.
 * npm run torture -- outbox [--rounds N] [--seed S] [--json]: see outbox.ts.
 * npm run soak -- [--minutes N] [--every S] [--rate N] [--directory D] [--plot FILE] [--seed S] [--json]: see soak/soak.ts.
 * Exits with 1 when anything did not hold.
 */
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type BatchSoakReport, soakBatches } from './batch.ts';
import { type ChaosReport, chaos } from './chaos/chaos.ts';
import { rerunOnSmallDisk } from './small-disk.ts';
import { type SoakReport, soak } from './soak/soak.ts';
import { type TortureReport, torture } from './torture.ts';

const program = new Command('torture')
  .description(
    'Kills and freezes the processes of a running Tidings at random, and its database; fills its disk; counts afterwards.',
  )
  .option('--kills <n>', 'how many', wholeNumber, 200)
  .option('--chaos', 'instead: providers that fail, hang, throttle and lie, for 50 tenants on all channels')
  .option('--notifications <n>', 'with --chaos: how many', wholeNumber, 100_000)
  .argument(
    '[what]',
    'batch: batches with pauses, resumes and kills; kafka: topics that are read; outbox: topics that are written; soak: hours at half the rate; without it, everything else',
  )
  .option('--messages <n>', 'with kafka: how many', wholeNumber, 100_000)
  .option(
    '--rounds <n>',
    'with outbox: how often there is each interruption; a round takes two minutes',
    wholeNumber,
    5,
  )
  .option('--minutes <n>', 'with batch and soak: for how long', Number, 20)
  .option('--recipients <n>', 'with batch: recipients of each', wholeNumber, 20_000)
  .option('--every <seconds>', 'with batch and soak: between two interruptions', Number, 20)
  .option('--directory <folder>', 'with batch and soak: where a later run with it goes on')
  .option('--rate <n>', 'with soak: events a second; half of what is measured by default', wholeNumber)
  .option('--plot <file>', 'with soak: where memory, latency and sizes are drawn (SVG)')
  .option('--seed <n>', 'for the same choices again (not the same moments)', wholeNumber, randomInt(2 ** 31))
  .option('--json', 'the report as one line of JSON')
  // Given by the program to itself.
  .addOption(new Option('--disk <directory>').hideHelp())
  .parse();
const { kills, seed, json, disk, ...wanted } = program.opts<{
  kills: number;
  seed: number;
  json?: boolean;
  disk?: string;
  chaos?: true;
  notifications: number;
  minutes: number;
  recipients: number;
  every: number;
  directory?: string;
  rate?: number;
  plot?: string;
  messages: number;
  rounds: number;
}>();

if (program.args[0] === 'batch') await runBatches();
else if (program.args[0] === 'kafka') await runKafka();
else if (program.args[0] === 'outbox') await runOutbox();
else if (program.args[0] === 'soak') await runSoak();
else if (wanted.chaos) await runChaos();
else if (disk === undefined) await runOnSmallDisk();
else await run(disk);

async function runKafka(): Promise<void> {
  const { findKafka } = await import('../support/kafka/broker.ts');
  const { INTERRUPTIONS, tortureKafka } = await import('./kafka.ts');
  const tools = findKafka();
  if (!tools) {
    process.exitCode = 1;
    return;
  }
  const { messages } = wanted;
  const log = (line: string) => console.error(line);
  const report = await tortureKafka(tools, {
    messages,
    seed,
    spread: messages / 500,
    interruptions: INTERRUPTIONS,
    log,
  });
  console.log(json ? JSON.stringify(report) : report);
  if (!report.held) process.exitCode = 1;
}

async function runOutbox(): Promise<void> {
  const { findKafka } = await import('../support/kafka/broker.ts');
  const { OUTBOX_INTERRUPTIONS, tortureOutbox } = await import('./outbox.ts');
  const tools = findKafka();
  if (!tools) {
    process.exitCode = 1;
    return;
  }
  console.error(`Seed ${seed}`);
  const log = (line: string) => console.error(line);
  const { rounds } = wanted;
  const report = await tortureOutbox(tools, { seed, rounds, interruptions: OUTBOX_INTERRUPTIONS, claim: null, log });
  console.log(json ? JSON.stringify(report) : report);
  if (!report.held) process.exitCode = 1;
}

async function runSoak(): Promise<void> {
  const { minutes, every, directory, rate, plot } = wanted;
  console.error(`Seed ${seed}, ${minutes} minutes`);
  // Ends early, and can be continued with the same directory.
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  const say = (line: string) => console.error(line);
  print(await soak({ minutes, every, directory, rate, plot, seed, say, signal: stopping.signal }));
}

async function runOnSmallDisk(): Promise<void> {
  console.error(`Seed ${seed}, ${kills} kills`);
  const directory = mkdtempSync(join(tmpdir(), 'tidings-small-disk-'));
  try {
    const args = ['--kills', String(kills), '--seed', String(seed), ...(json ? ['--json'] : [])];
    process.exitCode = await rerunOnSmallDisk(directory, args);
    if (process.exitCode !== undefined) return;
    console.error('The disk is not filled: this machine does not let programs mount a file system.');
    await run(undefined);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runBatches(): Promise<void> {
  const { minutes, recipients, every, directory } = wanted;
  console.error(`Seed ${seed}, ${minutes} minutes`);
  print(await soakBatches({ minutes, recipients, every, directory, seed, say: (line) => console.error(line) }));
}

async function runChaos(): Promise<void> {
  const { notifications } = wanted;
  console.error(`Seed ${seed}, ${notifications} notifications`);
  print(await chaos({ notifications, seed, say: (line) => console.error(line) }));
}

async function run(smallDisk: string | undefined): Promise<void> {
  print(await torture({ kills, seed, disk: smallDisk, say: (line) => console.error(line) }));
}

function print(report: TortureReport | ChaosReport | BatchSoakReport | SoakReport): void {
  console.log(json ? JSON.stringify(report) : describe(report));
  process.exitCode = report.failed ? 1 : 0;
}

function describe({
  findings,
  failed,
  ...numbers
}: TortureReport | ChaosReport | BatchSoakReport | SoakReport): string {
  const wide = Math.max(...findings.map(({ check }) => check.length));
  return [
    '',
    ...Object.entries(numbers).map(
      ([name, value]) => `  ${name.padEnd(16)}${typeof value === 'object' ? JSON.stringify(value) : value}`,
    ),
    '',
    ...findings.flatMap((finding) => [
      `  ${finding.failed === 0 ? '✓' : '✗'} ${finding.check.padEnd(wide)}  ${finding.failed === 0 ? finding.checked || '' : `${finding.failed} of ${finding.checked}`}`,
      ...finding.details.map((detail) => `      ${detail}`),
    ]),
    '',
    failed ? `FAILED with seed ${numbers.seed}` : 'All of it held.',
  ].join('\n');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
