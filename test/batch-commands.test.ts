import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCommand } from './support/cli.ts';
import { useNotifications } from './support/notifications.ts';

/** `tidings batches`: a batch from a file of recipients to its results. */

const at = useNotifications();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tidings-batch-'));
  vi.stubEnv('TIDINGS_URL', at().server.url);
});
afterEach(() => rmSync(folder, { recursive: true }));

const run = async (...args: string[]) => (await runCommand('batches', ...args)).text;
const parse = async (...args: string[]) => JSON.parse(await run(...args, '--json'));

test('a batch is created, filled, estimated, started, watched, and its results are listed', async () => {
  const { tidings } = at();
  const file = join(folder, 'recipients.ndjson');
  const { batch_id: id } = await parse('create', '--type', 'ORDER', '--channel', 'email', '--var', 'order_id=7');
  writeFileSync(file, '{"email":"maria@example.com"}\n{"email":"none"}\n{"user_id":"u1"}\n');
  const added = await runCommand('batches', 'add', id, file);
  expect(added).toMatchObject({ exitCode: 1, errors: expect.stringContaining('1 line was rejected.') });
  expect(added.text).toContain('line 2  invalid_recipient');
  writeFileSync(file, '{"email":"maria@example.com"}\n{"email":"none"}\n{"user_id":"u1"}\n{"user_id":"u1"}\n');
  expect(await parse('add', id, file)).toMatchObject({ lines: 4, stored: 1, rejected: 0 });
  expect(await run('estimate', id)).toMatch(/^1 of 3 would get a message\.\n +1 {2}missing_email$/m);
  expect(await run('rate', id, '1000')).toContain('draft: 1 of 4 final (1 rejected), 3 pending');
  await tidings.worker();
  expect(await run('start', id)).toContain('running');
  expect(await run('pause', id)).toContain('paused');
  expect(await run('resume', id)).toContain('running');
  tidings.batches();
  expect(await run('watch', id)).toMatch(/finished: 4 of 4 final \(1 sent, 1 failed, 1 rejected, 1 duplicate\)/);
  expect(await run('results', id, '--state', 'sent')).toMatch(/^ +1 {2}sent +m…@example\.com$/m);
  expect(await run('list')).toContain(id);
  expect(await runCommand('batches', 'cancel', id, '--yes')).toMatchObject({ exitCode: 1 });
});
