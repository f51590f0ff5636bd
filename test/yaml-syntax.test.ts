import { expect, test } from 'vitest';
import { listMistakes } from './support/catalog.ts';
import { buildLintFiles } from './support/lint-files.ts';

/** One slip in the YAML of a file is one error, at its place. */

async function list(lines: readonly string[]): Promise<string[]> {
  const files = buildLintFiles('  A: { on: a }\n').set('rules.yaml', `${lines.join('\n')}\n`);
  const mistakes = await listMistakes(files);
  return mistakes.map(({ line, column, message, hint }) => `${line}:${column} ${message} (${hint})`);
}

const QUOTES = '(put quotes around a text that contains a colon followed by a space)';
const NESTED = `Nested mappings are not allowed in compact mappings ${QUOTES}`;

test.each<[slip: string, lines: readonly string[], ...found: string[]]>([
  [
    'no colon after the name of a rule',
    ['rules:', '  A', '    on: a', '    notify: A'],
    '2:3 a colon is missing after "A" (write A:)',
  ],
  ['no colon after "rules"', ['rules', '  A:', '    on: a'], '1:1 a colon is missing after "rules" (write rules:)'],
  [
    'no colon after a key with a value',
    ['rules:', '  A:', '    on: a', '    when event.n > 3 # large', '    notify: A', '  B:', '    on: b'],
    '4:5 a colon is missing after "when" (write when: event.n > 3)',
  ],
  [
    'no colon after a key with a block',
    ['rules:', '  A:', '    on: a', '    count', '      at_least: 2', '      within: 1h', '    notify: A'],
    '4:5 a colon is missing after "count" (write count:)',
  ],
  [
    'no colon in the last line',
    ['rules:', '  A:', '    on: a', '    notify A'],
    '4:5 a colon is missing after "notify" (write notify: A)',
  ],
  [
    'no space after a colon',
    ['rules:', '  A:', '    on:a', '    notify: A'],
    '3:5 a space is missing after the colon (write on: a)',
  ],
  [
    'a key in the wrong column',
    ['rules:', '  A:', '    on: a', '   notify: A', '    when: event.n > 3'],
    '4:1 All mapping items must start at the same column (start all keys of one level in the same column)',
  ],
  [
    'a bracket that is not closed',
    ['rules:', '  A:', '    on: [a, b', '    notify: A', '  B:', '    on: b'],
    '4:5 Flow sequence in block collection must be sufficiently indented and end with a ] (look for a quote or bracket that is not closed, or a colon that is missing)',
  ],
  [
    'tabs',
    ['rules:', '  A:', '\ton: a', '\tnotify: A', '  B:', '\ton: b'],
    '3:1 Tabs are not allowed as indentation (indent with spaces)',
  ],
  [
    'two texts with a colon',
    ['rules:', '  A:', '    on: a', '    when: a: b', '    key: c: d'],
    `4:11 ${NESTED}`,
    `5:10 ${NESTED}`,
  ],
  [
    'values that begin with a sign, and then a missing colon',
    ['rules:', '  A:', '    on: @x', '    key: %y', '  B', '    on: b'],
    '3:9 Plain value cannot start with reserved character @ (put quotes around a text that begins with "@")',
    '4:10 Plain value cannot start with directive indicator character % (put quotes around a text that begins with "%")',
    '5:3 a colon is missing after "B" (write B:)',
  ],
])('%s', async (_slip, lines, ...found) => {
  expect(await list(lines)).toEqual(found);
});
