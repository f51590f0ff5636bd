/**
 * npm run torture:hostile -- [--events N] [--rounds N] [--seed S]: see hostile-history.ts. Exits with 1 when a bound did not
 * hold.
 */
import { randomInt } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { someTimedRules } from '../support/random-rules.ts';
import { HOSTILE_RULES, type HostileRules, measureGrowth, measureHeap } from './hostile-history.ts';

const program = new Command('torture:hostile')
  .description('Plays hostile histories of one user, and compares what they cost with what a quarter of them costs.')
  .option('--events <n>', 'in the smaller history', wholeNumber, 1000)
  .option('--rounds <n>', 'seeds to play', wholeNumber, 3)
  .option('--seed <n>', 'the first one', wholeNumber, randomInt(2 ** 30))
  .parse();
const { events, rounds, seed } = program.opts<{ events: number; rounds: number; seed: number }>();

console.error(`Seed ${seed}, ${events} and ${4 * events} events`);
let failed = 0;
const drawn = fc
  .sample(someTimedRules, { seed, numRuns: 5 * rounds })
  .map((rules): [string, HostileRules] => [`drawn ${JSON.stringify(rules)}`, rules]);
for (const [name, rule] of [...Object.entries(HOSTILE_RULES), ...drawn]) {
  for (let round = 0; round < rounds; round++) {
    const excess = [
      ...measureGrowth(name, rule, events, seed + round),
      ...measureHeap(name, rule, events, seed + round),
    ];
    for (const { rule: which, what, factor } of excess) console.log(`✗ ${which}: ${what} grew by ${factor}`);
    failed += excess.length;
  }
  console.log(`  ${name.slice(0, 60)} done`);
}
console.log(failed === 0 ? 'All of it held.' : `FAILED with seed ${seed}`);
process.exitCode = failed === 0 ? 0 : 1;

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
