import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runTidings, temporaryFolder, toEnv } from './support/dumps.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/* A command names what is wrong, not the database, and its exit code tells whether it was written wrongly. */

let tidings: TestTidings;
let folder: { path: string; remove: () => Promise<void> };

beforeAll(async () => {
  [tidings, folder] = await Promise.all([testTidings(), temporaryFolder()]);
});
afterAll(async () => {
  await tidings.close();
  await folder.remove();
});

const run = (...args: string[]) => {
  const key = Buffer.alloc(32, 7).toString('base64');
  return runTidings(args, toEnv(tidings.database, key, folder.path));
};

test('a dump into a folder that does not exist names the folder', async () => {
  const missing = join(folder.path, 'missing');
  const { code, stderr } = await run('dump', join(missing, 'a.dump'));
  expect(code).toBe(1);
  expect(stderr).toContain(`there is no folder ${missing}`);
});

test('a restore from a folder says that it is one', async () => {
  const { code, stderr } = await run('restore', folder.path);
  expect(code).toBe(1);
  expect(stderr).toContain('is a folder');
});

test.each([
  [['--since', '30d']],
  [['--since', '30d', '--live', '--catalog', 'examples/fintech']],
  [['--since', '30', '--live']],
  [['--since', '1d', '--until', '2d', '--live']],
])('a backtest that is written wrongly has the exit code 2: %s', async (options) => {
  expect((await run('backtest', ...options)).code).toBe(2);
});
