/** npm run torture -- [--kills N] [--seed S] [--json]: see torture.ts. Exits with 1 when anything did not hold. */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { type TortureReport, torture } from './torture.ts';

const program = new Command('torture')
  .description('Kills the processes of a running Tidings at random, starts them again, and counts afterwards.')
  .option('--kills <n>', 'how many', wholeNumber, 200)
  .option('--seed <n>', 'for the same choices again (not the same moments)', wholeNumber, randomInt(2 ** 31))
  .option('--json', 'the report as one line of JSON')
  .parse();
const { kills, seed, json } = program.opts<{ kills: number; seed: number; json?: boolean }>();

console.error(`Seed ${seed}, ${kills} kills`);
const report = await torture({ kills, seed, say: (line) => console.error(line) });
console.log(json ? JSON.stringify(report) : describe(report));
process.exitCode = report.failed ? 1 : 0;

function describe({ findings, failed, ...numbers }: TortureReport): string {
  const wide = Math.max(...findings.map(({ check }) => check.length));
  return [
    '',
    ...Object.entries(numbers).map(([name, value]) => `  ${name.padEnd(16)}${value}`),
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
