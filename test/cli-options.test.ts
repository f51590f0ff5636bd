import { expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';

/** An option or argument that is not valid is named, with what was given and what would be right, before anything is called. */

test.each([
  [
    ['waits', 'list', '--status', 'foo'],
    /'--status <status>' argument 'foo' is invalid\. Allowed .* waiting, fired, cancelled\./,
  ],
  [
    ['waits', 'list', '--limit', 'many'],
    /'--limit <n>' argument 'many' is invalid\. Write a whole number from 1 to 200\./,
  ],
  [['waits', 'list', '--limit', '0'], /'--limit <n>' argument '0' is invalid\. Write a whole number from 1 to 200\./],
  [['catalog', 'diff', 'latest'], /'latest' is invalid for argument 'from'\. Write the number of a version; see/],
  [['catalog', 'diff', '1', '1.5'], /'1\.5' is invalid for argument 'to'\. Write the number of a version; see/],
  [['catalog', 'rollback', '-'], /'-' is invalid for argument 'version'\. Write the number of a version; see/],
  [
    ['simulate', '--events', 'x', '--speed', '0'],
    /'--speed <n>' argument '0' is invalid\. Write a number above 0, or max\./,
  ],
  [
    ['cards', 'call', 'get_card_list', 'p-1', '--user', 'u-1', '--body', '{limit'],
    /'--body <json>' argument '\{limit' is invalid\. Write a JSON object, such as/,
  ],
  [
    ['cards', 'call', 'get_card_list', 'p-1', '--user', 'u-1', '--body', '[1]'],
    /'--body <json>' argument '\[1\]' is invalid\. Write a JSON object, such as/,
  ],
])('tidings %j', async (args, sentence) => {
  const { code, output } = await runLikeProcess(args);
  expect([code, output]).toEqual([2, expect.stringMatching(sentence)]);
});
