import { expect, test } from 'vitest';
import { runLikeProcess } from './support/cli.ts';
import { listCommands } from './support/cli-commands.ts';

/** Without a terminal, nothing is destroyed unless `--yes` says so. */

const DESTRUCTIVE: readonly (readonly string[])[] = [
  ['deliveries', 'cancel', 'some-id'],
  ['deliveries', 'cancel', '--all'],
  ['waits', 'cancel', 'SOME_RULE'],
  ['rejected', 'dismiss', 'some-id'],
  ['rejected', 'dismiss', '--all'],
  ['retention', 'run'],
  ['profiles', 'remove', 'production'],
];

test.each(DESTRUCTIVE)('tidings %s %s %s asks, and ends with exit code 2 where it cannot ask', async (...args) => {
  const { code, stdout, output } = await runLikeProcess(args, { TIDINGS_URL: 'http://127.0.0.1:9' });
  expect([code, stdout]).toEqual([2, '']);
  expect(output).toMatch(/\? Confirm with --yes: there is no terminal to ask on\./);
});

test('a preview does not ask', async () => {
  const args = ['deliveries', 'cancel', '--all', '--preview'];
  const { code, output } = await runLikeProcess(args, { TIDINGS_URL: 'http://127.0.0.1:9' });
  expect([code, output]).toEqual([1, expect.stringContaining('cannot be reached')]);
});

test('every command whose name says that it destroys something has --yes', () => {
  const named = listCommands().filter(({ path }) => /\b(cancel|dismiss|delete|remove|erase|revoke)$/.test(path));
  expect(named.filter(({ options }) => !options.includes('--yes')).map(({ path }) => path)).toEqual([]);
});
