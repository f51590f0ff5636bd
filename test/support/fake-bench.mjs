/**
 * A bench without a PostgreSQL. The file `rows.json` beside it says what it measures (`values` by row name), where it notes
 * each turn (`log`), and whether it lists its rows with ids, the first word of each name. A value of 0 takes a minute, one
 * below 0 fails.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

const { values, log, hasIds } = JSON.parse(readFileSync(new URL('rows.json', import.meta.url), 'utf8'));
const names = Object.keys(values);
const [word] = process.argv.slice(2);

if (word === '--list') {
  if (!hasIds) fail("error: unknown option '--list'");
  console.log(names.map((name) => name.replace(' ', '  ')).join('\n'));
} else {
  const name = names.find((each) => each === word || (hasIds && each.startsWith(`${word} `)));
  if (name === undefined) fail(`No row has that in its name. There are:\n  ${names.join('\n  ')}`);
  const value = values[name];
  appendFileSync(log, `${name} ${value}\n`);
  console.error('PostgreSQL is up.');
  if (value === 0) await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (value < 0) fail('out of luck');
  const row = {
    name: hasIds ? name.replace(/^\S+ /, '') : name,
    unit: 'events/s',
    direction: 'higher',
    value,
    limit: 1,
  };
  const file = process.argv[process.argv.indexOf('--json') + 1];
  writeFileSync(file, JSON.stringify({ rows: [row], machine: { node: process.version } }));
}

function fail(line) {
  console.error(line);
  process.exit(1);
}
