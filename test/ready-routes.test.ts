import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkRouteMoves } from '../src/health/work-checks.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** Ready says that accounts fail, so that their messages go by others. Anyone may ask: it does not name them. */

let tidings: TestTidings;
beforeAll(async () => {
  tidings = await testTidings();
});
afterAll(() => tidings.close());

const move = (account: string, share: number) =>
  tidings.database.pool.query(
    `insert into route_moves (tenant_id, channel, account, share, since, moved_at, cause)
     values ($1, 'email', $2, $3, '2025-11-20T11:00:00Z', '2025-11-20T11:30:00Z', 'it is down')`,
    [TENANT, account, share],
  );

test('the routes are in order until messages are moved away from an account, and again when it has all of them', async () => {
  const check = () => checkRouteMoves(tidings.database.pool).run();
  await move('well', 100);
  expect(await check()).toEqual({ status: 'ok' });
  await move('ses_eu', 10);
  expect(await check()).toEqual({
    status: 'degraded',
    since: Date.parse('2025-11-20T11:00:00Z'),
    cause: 'messages are moved away from 1 account that fails (email)',
    hint: expect.stringContaining('the log'),
  });
});
