import { Writable } from 'node:stream';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RouteMoves } from '../src/delivery/routes/route-moves.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Moves of messages between accounts: each step is a notice once, in the log and in the audit log. */

const MINUTE = 60_000;
const ROUTE = { tenantId: TENANT, channel: 'email' } as const;
const MAIN = {
  name: 'ses',
  account: 'main',
  channels: [],
  concurrency: 1,
  keepsMessage: false,
  send: async () => ({ kind: 'sent' }) as const,
  close: async () => {},
} as const;

let tidings: TestTidings;
let notices: { readonly [field: string]: unknown }[];
beforeEach(async () => {
  tidings = await testTidings();
  notices = [];
});
afterEach(() => tidings.close());

/** Moves of one process. */
async function startProcess(): Promise<RouteMoves> {
  const write = (line: Buffer, _: string, done: () => void) => {
    notices.push(JSON.parse(line.toString()));
    done();
  };
  const log = pino(new Writable({ write }));
  // Each look reads the moves again.
  let elapsed = 0;
  const options = {
    pool: tidings.database.pool,
    clock: () => tidings.clock.now,
    elapsed: () => (elapsed += MINUTE),
    log,
  };
  const moves = new RouteMoves(options);
  await moves.refresh();
  return moves;
}

async function listActions(): Promise<unknown[]> {
  const { rows } = await tidings.database.pool.query(
    `select action, subject, actor, detail from audit_log where action like 'route.%' order by at, entry_id`,
  );
  return rows;
}

test('processes that move a route in the same millisecond make one move, one notice and one entry of the audit log', async () => {
  const processes = await Promise.all([startProcess(), startProcess(), startProcess()]);
  const moved = await Promise.all(processes.map((one) => one.moveAway(ROUTE, MAIN, 'it is down')));
  expect(moved.filter(Boolean).length).toBe(1);
  expect(notices).toMatchObject([
    {
      notice: 'route.moved',
      level: 40,
      tenant_id: TENANT,
      channel: 'email',
      account: 'main',
      share: 10,
      cause: 'it is down',
    },
  ]);
  expect(await listActions()).toMatchObject([
    { action: 'route.moved', subject: 'main', detail: { channel: 'email', share: 10, cause: 'it is down' } },
  ]);
  // All of them know it.
  expect(processes.map((one) => one.getShare(ROUTE, MAIN))).toEqual([10, 10, 10]);
});

test('the return is a notice for each step, however many messages and processes ask for it', async () => {
  const processes = [await startProcess(), await startProcess()];
  await processes[0]!.moveAway(ROUTE, MAIN, 'it is down');
  for (let minute = 0; minute < 25; minute++) {
    tidings.clock.now += MINUTE;
    for (const one of processes) {
      await one.refresh();
      for (let message = 0; message < 3; message++) one.moveBack(ROUTE, MAIN);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await expect.poll(() => notices.length).toBe(3);
  expect(notices.map(({ notice, share }) => [notice, share])).toEqual([
    ['route.moved', 10],
    ['route.returning', 50],
    ['route.restored', 100],
  ]);
  expect((await listActions()).length).toBe(3);
});

test('a tenant that is gone has no move, no notice and no entry', async () => {
  const moves = await startProcess();
  expect(await moves.moveAway({ ...ROUTE, tenantId: 'gone' }, MAIN, 'it is down')).toBe(false);
  expect(notices).toEqual([]);
  expect(await listActions()).toEqual([]);
});
