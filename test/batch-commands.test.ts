import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { runCommand } from './support/cli.ts';
import { useNotifications } from './support/notifications.ts';

/** `tidings batches`: a batch from a file of recipients to its results; and what other commands read from files or name users by. */

const at = useNotifications({ 'segments.yaml': 'segments: { PRO: user.plan == "pro" }' });
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
  const given = ['--var', 'order_id=7', '--var', 'text="7"', '--var', 'long=12345678901234567890'];
  const made = await parse('create', '--type', 'ORDER', '--channel', 'email', ...given);
  expect(made.request.variables).toEqual({ order_id: 7, text: '7', long: '12345678901234567890' });
  const id = made.batch_id;
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

test('a list is created, filled from a file, shown, emptied and deleted', async () => {
  const lists = async (...args: string[]) => JSON.parse((await runCommand('lists', ...args, '--json')).text);
  const file = join(folder, 'members.ndjson');
  const { list_id: id } = await lists('create', 'Beta');
  writeFileSync(file, 'u1\n{"user_id":"u2"}\n\n{"user":"u3"}\n');
  const added = await runCommand('lists', 'add', id, file);
  expect(added).toMatchObject({ exitCode: 1, errors: expect.stringContaining('1 line was rejected.') });
  expect(added.text).toMatch(/^2 users added, 0 unchanged; the list has 2\.\n {2}line 4 {2}invalid_line /);
  expect((await lists('members', id)).members).toMatchObject([{ user_id: 'u1' }, { user_id: 'u2' }]);
  writeFileSync(file, 'u1\n');
  expect(await runCommand('lists', 'add', id, file)).toMatchObject({ exitCode: 0 });
  expect(await lists('remove', id, file, '--yes')).toMatchObject({ changed: 1, members: 1 });
  expect((await runCommand('lists', 'show', id)).text).toMatch(/Beta {2}1 member/);
  expect((await lists('list')).lists).toMatchObject([{ name: 'Beta' }]);
  expect((await runCommand('lists', 'delete', id, '--yes')).text).toMatch(/^Deleted: /);
  expect((await runCommand('lists', 'show', id)).exitCode).toBe(1);
});

test('segments are listed, previewed and read', async () => {
  for (const [id, plan] of Object.entries({ u1: 'pro', u2: 'free', u3: 'pro' })) await at().user(id, { plan });
  const segments = async (...args: string[]) => (await runCommand('segments', ...args)).text;
  expect(await segments('list')).toBe('PRO  user.plan == "pro"');
  expect(await segments('preview', 'PRO')).toMatch(/^2 of 3 users\./);
  expect(await segments('preview', '--condition', 'user.plan == "free"')).toMatch(/^1 of 3 users\.\n +u2/);
  expect((await segments('users', 'PRO')).split('\n').map((line) => line.trim())).toEqual(['u1', 'u3']);
  expect(await runCommand('segments', 'preview')).toMatchObject({ exitCode: 1 });
});

test('consents are imported from a file, once', async () => {
  await at().user('u1', { email: 'maria@example.com' });
  const file = join(folder, 'consents.ndjson');
  const line = { user_id: 'u1', purpose: 'MARKETING', channel: 'email', state: 'granted', at: '2024-05-02T10:00:00Z' };
  const text = (...lines: object[]) => writeFileSync(file, lines.map((one) => `${JSON.stringify(one)}\n`).join(''));
  text(line, { ...line, user_id: 'nobody' });
  const first = await runCommand('consents', 'import', file);
  expect(first).toMatchObject({ exitCode: 1, errors: expect.stringContaining('1 line was rejected.') });
  expect(first.text).toMatch(/^1 recorded, 0 known already, 1 rejected\.\n {2}line 2 {2}unknown_user /);
  text(line);
  const again = await runCommand('consents', 'import', file, '--json');
  expect([again.exitCode, JSON.parse(again.text)]).toMatchObject([0, { recorded: 0, known: 1, rejected: 0 }]);
  expect((await runCommand('consents', 'list', 'u1')).text).toContain('MARKETING  email  granted');
});
