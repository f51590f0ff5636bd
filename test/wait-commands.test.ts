import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CatalogData, Rule } from '../src/model/catalog.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { plainRule } from './support/random-catalog.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';
import { createWait, DAY, firedWait, HOUR, NOW, WaitStore } from './support/waits.ts';

/** The list of pending waits, and the commands that cancel or migrate them, over HTTP and from the command line. */

let tidings: TestTidings;
let server: TestServer;
const store = new WaitStore(() => tidings.database.pool);

beforeAll(async () => {
  tidings = await testTidings({}, catalogOf(delayed('A', ['A_MAIL', 'A_TEXT'])));
  await tidings.apply(catalogOf(delayed('A', ['A_MAIL']), delayed('B', [])));
  server = await testServer(tidings);
});
beforeEach(async () => {
  await store.pool.query('truncate waits, audit_log, jobs, job_failures');
});
afterAll(async () => {
  await server.close();
  await tidings.close();
});

const get = async (url: string) => (await server.get(url)).body;
const post = async (url: string, body: object) => (await server.post(url, body)).body;

describe('cancel', () => {
  test('ends all waits of a rule, with a decision for each notification type and an entry in the audit log', async () => {
    const mine = createWait({ key: 'k' });
    await store.save(
      mine,
      createWait({ userId: 'v' }),
      createWait({ rule: 'B' }),
      createWait({ status: 'fired', endedAt: NOW }),
    );
    expect((await get('/api/v1/waits/rules')).rules).toEqual([
      expect.objectContaining({ rule: 'A', users: 2, waits: 2, at_least: false, overdue: 0, set_aside: 0 }),
      expect.objectContaining({ rule: 'B', users: 1, waits: 1 }),
    ]);
    const job = await tidings.runWaitJob('waits.cancel', 'A');
    expect(job).toMatchObject({ status: 'done', matched: 2, done: 2, failed: 0 });
    const { waits } = await get('/api/v1/waits?status=cancelled&user_id=u');
    expect(waits).toHaveLength(1);
    expect(waits[0].ended_at).toBe(new Date(NOW).toISOString());
    const decisions: Record<string, unknown>[] = waits[0].decisions;
    expect(decisions.map((one) => [one.decision_id, one.notification_type, one.outcome])).toEqual([
      [`${mine.waitId}.0`, 'A_MAIL', 'cancelled'],
      [`${mine.waitId}.1`, 'A_TEXT', 'cancelled'],
    ]);
    expect(decisions[0]).toMatchObject({ reason_code: 'catalog_changed', evidence: { key: 'k' } });
    expect(await store.countWaiting()).toMatchObject([{ rule: 'B', users: 1, waits: 1 }]);
    const { rows } = await store.pool.query(
      `select actor, subject, detail -> 'filter' as filter from audit_log where action = 'job.started'`,
    );
    expect(rows).toEqual([{ actor: 'test', subject: job.job_id, filter: { rule: 'A' } }]);
    expect(await tidings.runWaitJob('waits.cancel', 'A')).toMatchObject({ matched: 0, done: 0 });
  });

  test('ends many waits in several chunks, one after the other with batches that decide about the same user', async () => {
    await store.fill(5300, 5300);
    const { connection, release } = await tidings.holdUsers(['p 999']);
    const job = tidings.runWaitJob('waits.cancel', 'A');
    await expect.poll(async () => (await get('/api/v1/jobs')).jobs[0]?.status).toBe('running');
    const [mine] = await store.load(['p 999'], [], connection);
    await store.write([{ wait: firedWait(mine!), decisions: [] }], connection);
    await release();
    expect(await job).toMatchObject({ status: 'done', matched: 5300, done: 5299 });
    expect(await store.countWaiting()).toEqual([]);
  });
});

test('migrate moves waits to the active version, due when its rule says', async () => {
  const [mine, gone] = [createWait(), createWait({ status: 'fired', endedAt: NOW })];
  await store.save(mine, gone);
  const migrate = () => tidings.runWaitJob('waits.migrate', 'A');
  expect(await migrate()).toMatchObject({ status: 'done', done: 1, skipped: 0 });
  const state = { ...mine.state, migrated: [{ at: tidings.clock.now, version: 2 }] };
  const moved = { ...mine, catalogVersion: 2, dueAt: mine.triggerTime + HOUR, state, stored: 'same', sealed: null };
  expect(await store.load(['u'])).toEqual([moved]);
  expect((await store.row(gone)).catalog_version).toBe(1);
  expect(await migrate()).toMatchObject({ done: 0, skipped: 0 });
  await store.save(createWait({ key: 'k', kind: 'digest' }));
  expect(await migrate()).toMatchObject({ done: 0, skipped: 1 });
  expect(await post('/api/v1/jobs', { action: 'waits.migrate', filter: { rule: 'C' } })).toMatchObject({
    status: 404,
    errors: [{ pointer: '/filter/rule' }],
  });
});

test('the command line lists, migrates and cancels waits', async () => {
  await store.save(createWait({ key: 'k' }), createWait({ userId: 'v' }));
  vi.stubEnv('TIDINGS_URL', server.url);
  const print = async (...args: string[]) => (await runCommand(...args)).text;
  expect(await print('waits', 'list', '--rule', 'A', '--user', 'u')).toMatch(
    /^2025-11-20T13:00:00.000Z {2}waiting {4}delay {5}A {2}u {2}\[k\] {2}\(version 1\) {2}[0-9a-f-]{36}$/,
  );
  const worker = tidings.jobs();
  expect(await print('waits', 'migrate', 'A')).toContain(': 2 of 2 done.');
  const cancelled = JSON.parse((await print('waits', 'cancel', 'A', '--yes', '--json')).split('\n').at(-1)!);
  expect(cancelled).toMatchObject({ action: 'waits.cancel', filter: { rule: 'A' }, status: 'done', done: 2 });
  await worker.stop();
  expect(await print('waits', 'list')).toBe('No waits found.');
  const { errors, exitCode } = await runCommand('waits', 'migrate', 'GONE');
  expect(errors).toContain('tidings: The active catalog (version 2) has no rule GONE');
  expect(exitCode).toBe(1);
});

test('the list filters by rule and has pages, and rejects what is not valid', async () => {
  await store.save(...Array.from({ length: 3 }, (_, n) => createWait({ beganAt: NOW + n })));
  const first = await get('/api/v1/waits?limit=2&rule=A');
  expect(first.waits).toHaveLength(2);
  const second = await get(`/api/v1/waits?limit=2&rule=A&after=${first.next}`);
  expect([second.waits.length, second.next]).toEqual([1, null]);
  expect(await get('/api/v1/waits?status=napping')).toMatchObject({ status: 400 });
  expect(await get('/api/v1/waits?after=nonsense')).toMatchObject({ status: 400, errors: [{ pointer: 'after' }] });
  expect(await post('/api/v1/jobs', { action: 'waits.cancel', filter: {} })).toMatchObject({
    status: 400,
    errors: [{ pointer: '/filter/rule' }],
  });
});

function delayed(name: string, notify: string[]): Rule {
  return plainRule({ name, on: ['began'], delay: { span: HOUR, text: '1h' }, notify });
}

function catalogOf(...rules: Rule[]): CatalogData {
  const types = [...new Set(rules.flatMap(({ notify }) => notify))];
  const notifications = types.map((name) => ({
    name,
    category: 'SYSTEM' as const,
    channels: ['internal' as const],
    priority: 'MEDIUM' as const,
    inDoubt: 'resend' as const,
    maxAge: DAY,
  }));
  return { events: [{ name: 'began' }], notifications, rules, groups: [], templates: [] };
}

test('the waits of a rule have a strip of the next 24 hours; overdue ones and the oldest version stand out', async () => {
  const { clock } = tidings;
  await store.save(
    createWait({ dueAt: clock.now - 1000, catalogVersion: 2 }),
    createWait({ userId: 'v', dueAt: clock.now + HOUR / 2 }),
    createWait({ userId: 'v', dueAt: clock.now + 90 * 60_000 }),
    createWait({ userId: 'w', dueAt: clock.now + 3 * DAY }),
    createWait({ rule: 'B', dueAt: clock.now + HOUR }),
  );
  const { rules } = await get('/api/v1/waits/rules');
  expect(rules.map(({ rule }: { rule: string }) => rule)).toEqual(['A', 'B']);
  expect(rules[0]).toMatchObject({
    waits: 4,
    users: 3,
    overdue: 1,
    oldest_version: 1,
    next_due_at: new Date(clock.now - 1000).toISOString(),
  });
  expect(rules[0].due_by_hour).toHaveLength(24);
  expect(rules[0].due_by_hour.slice(0, 3)).toEqual([1, 1, 0]);
});

test('waits are found by their key', async () => {
  await store.save(createWait({ key: 'b_246_2' }), createWait({ userId: 'v', key: 'other' }));
  const { waits } = await get('/api/v1/waits?key=b_246_2');
  expect(waits.map(({ key }: { key: string }) => key)).toEqual(['b_246_2']);
});

test('the waits of a rule are made due by a job, those for an absence are left as they are', async () => {
  await store.save(
    createWait({ dueAt: NOW + 9 * DAY }),
    createWait({ userId: 'v', dueAt: NOW + 9 * DAY, kind: 'unless' }),
    createWait({ rule: 'B', dueAt: NOW + 9 * DAY }),
  );
  expect(await tidings.runWaitJob('waits.fire', 'A')).toMatchObject({
    status: 'done',
    matched: 2,
    done: 1,
    skipped: 1,
  });
  const { rows } = await store.pool.query(`select rule, user_id from waits where due_at <= to_timestamp($1 / 1000.0)`, [
    tidings.clock.now,
  ]);
  expect(rows).toEqual([{ rule: 'A', user_id: 'u' }]);
});
