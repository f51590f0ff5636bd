/** npm run mutate -- [--code | --sql] [--jobs N] [--fresh] [WORD…]: see CONTRIBUTING.md, "Mutation testing". */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { mutateCode } from './code.ts';
import { mutateSql } from './sql.ts';
import { compareWithAccepted, formatSurvivor, readAccepted } from './survivors.ts';

const FOLDER = '.mutation';
const ACCEPTED = 'test/mutation/survivors.yaml';

const program = new Command('mutate')
  .description('Changes the code in small ways and checks that a test fails each time.')
  .argument('[word...]', 'only files whose path contains one of these words')
  .option('--code', 'only the pure rooms')
  .option('--sql', 'only the state transitions in SQL')
  .option('--jobs <n>', 'test processes of Stryker at a time', wholeNumber, 1)
  .option('--fresh', 'forget the results of earlier runs')
  .parse();
const { code, sql, jobs, fresh = false } = program.opts<{ code?: true; sql?: true; jobs: number; fresh?: true }>();
const words = program.args;

const both = !code && !sql;
let failures = 0;
let mutants = 0;

if (code || both) {
  const result = await mutateCode({ words, jobs, fresh, folder: FOLDER });
  const accepted = readAccepted(ACCEPTED);
  const { unlisted, stale } = compareWithAccepted(result.survivors, accepted, result.files);
  const gone = accepted.filter(({ file }) => !existsSync(file));
  mutants += result.mutants;
  failures += unlisted.length + stale.length + gone.length;
  if (unlisted.length > 0) console.log('\nSurvivors. Add a test, or list them in survivors.yaml with the reason:\n');
  for (const survivor of unlisted) console.log(formatSurvivor(survivor));
  for (const { file, code: text } of stale)
    console.log(`Listed in survivors.yaml, but killed or gone: ${file}: ${text}`);
  for (const { file } of gone) console.log(`Listed in survivors.yaml, but the file does not exist: ${file}`);
  console.log(
    `\nCode: ${result.mutants} mutants in ${result.files.length} files, ${unlisted.length} survivors not listed`,
  );
}
if (sql || both) {
  const result = await mutateSql(words, FOLDER);
  mutants += result.mutants;
  failures += result.survivors.length;
  console.log(`\nSQL: ${result.mutants} mutants, ${result.survivors.length} survivors`);
  for (const { breaks, file, lineNumber } of result.survivors) console.log(`  ${file}:${lineNumber}  ${breaks}`);
}
if (mutants === 0) {
  console.error(`No mutants: no file's path contains ${words.join(' or ')}.`);
  failures++;
}
process.exitCode = failures === 0 ? 0 : 1;

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
