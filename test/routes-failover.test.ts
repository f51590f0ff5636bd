import { afterEach, expect, test } from 'vitest';
import { type RoutedOptions, type RoutedTidings, routedTidings } from './support/routes.ts';

/** Messages of an account that fails. */

const DOWN = { kind: 'retry', of: 'provider', reason: 'the service is down' } as const;
const MINUTE = 60_000;
const TWO_TIERS = 'routes: { email: [{ account: main }, { account: spare, tier: 2 }] }';

const open: RoutedTidings[] = [];
async function start(options: RoutedOptions): Promise<RoutedTidings> {
  const routed = await routedTidings(options);
  open.push(routed);
  return routed;
}
afterEach(() => Promise.all(open.splice(0).map((one) => one.close())));

async function listMoves(routed: RoutedTidings) {
  const { rows } = await routed.tidings.database.pool.query(
    'select channel, account, share, cause from route_moves order by account',
  );
  return rows;
}

/** Lets the account that is the first choice fail, until messages are moved away from it. */
async function breakMain(routed: RoutedTidings): Promise<void> {
  routed.answer('main', DOWN);
  await routed.post('mail', 30);
  await expect.poll(() => routed.count().main ?? 0, { timeout: 10_000 }).toBeGreaterThanOrEqual(20);
  await expect
    .poll(
      async () => {
        await routed.post('mail');
        return listMoves(routed);
      },
      { timeout: 20_000, interval: 100 },
    )
    .toHaveLength(1);
}

/** Sends messages until one goes by the other account at its first attempt: some are probes of the first one. */
async function sendBySpare(routed: RoutedTidings) {
  for (let tries = 0; tries < 20; tries++) {
    const [user] = (await routed.post('mail')) as [string];
    await new Promise((resolve) => setTimeout(resolve, 300));
    const delivery = await routed.becomes(user, 'sent').catch(() => undefined);
    if (delivery?.account === 'spare' && delivery.attempts.length === 1) return delivery;
  }
  throw new Error('no message goes by the other account');
}

test('when the circuit of an account opens, its messages go by the next tier, and the delivery says since when and why', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  const worker = await routed.worker();
  await breakMain(routed);
  await expect.poll(() => worker.unhealthyProviders()).toContain('main');
  const delivery = await sendBySpare(routed);
  expect(delivery.attempts.at(-1)?.choice).toMatch(
    /^tier 2 of the route of email; messages are moved away from main since 2025-.*, which keeps 10%: the service is down$/,
  );
  expect(await listMoves(routed)).toEqual([
    { channel: 'email', account: 'main', share: 10, cause: 'the service is down' },
  ]);
});

test('a failed send is tried again by another account, and no message of the others moves', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  await routed.worker();
  routed.answer('main', { kind: 'retry', of: 'account', code: '429', reason: 'too many requests' });
  const [user] = await routed.post('mail');
  await expect.poll(() => routed.count().main).toBe(1);
  routed.answer('main', { kind: 'sent' });
  routed.tidings.clock.now += 10 * MINUTE;
  const delivery = await routed.becomes(user!, 'sent');
  expect(delivery.attempts.map(({ account }) => account)).toEqual(['main', 'spare']);
  expect(delivery.attempts[1]?.choice).toContain('main failed in an earlier attempt');
  const [next] = await routed.post('mail');
  expect((await routed.becomes(next!, 'sent')).account).toBe('main');
  expect(await listMoves(routed)).toEqual([]);
});

test.each([
  ['an hour', 3_600_000],
  ['a day, longer than its retry time', 86_400_000],
])('a message whose account asks for a pause of %s goes by another account at once', async (_what, after) => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  await routed.worker();
  routed.answer('main', { kind: 'retry', of: 'account', reason: 'too many requests', after });
  const [user] = (await routed.post('mail')) as [string];
  await expect.poll(() => routed.count().main ?? 0, { timeout: 10_000 }).toBe(1);
  routed.tidings.clock.now += 10_000;
  const delivery = await routed.becomes(user, 'sent');
  expect([delivery.account, delivery.attempts.map(({ outcome }) => outcome)]).toEqual(['spare', ['retry', 'sent']]);
});

test('a failure of the recipient moves nothing: the next attempt goes by the same account', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  await routed.worker();
  routed.answer('main', { kind: 'retry', of: 'recipient', reason: 'the mailbox is full' });
  const [user] = await routed.post('mail');
  await expect.poll(() => routed.count().main).toBe(1);
  routed.answer('main', { kind: 'sent' });
  routed.tidings.clock.now += 10 * MINUTE;
  const delivery = await routed.becomes(user!, 'sent');
  expect(delivery.attempts.map(({ account }) => account)).toEqual(['main', 'main']);
});

/** As `becomes`, while time goes on: a probe that was under way may have failed, and its account has another pause. */
async function becomesInTime(routed: RoutedTidings, user: string, status: string) {
  const advance = setInterval(() => {
    routed.tidings.clock.now += 1000;
  }, 50);
  try {
    return await routed.becomes(user, status);
  } finally {
    clearInterval(advance);
  }
}

test('what is in doubt goes by no other account, even while its circuit is open', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  const worker = await routed.worker();
  routed.answer('main', { kind: 'in_doubt', reason: 'no response' });
  const [doubted] = await routed.post('mail');
  await expect.poll(() => routed.count().main).toBe(1);
  await breakMain(routed);
  await expect.poll(() => worker.unhealthyProviders()).toContain('main');
  routed.tidings.clock.now += 10 * MINUTE;
  routed.answer('main', { kind: 'sent' });
  const delivery = await becomesInTime(routed, doubted!, 'sent');
  expect(new Set(delivery.attempts.map(({ account }) => account))).toEqual(new Set(['main']));
  expect(delivery.attempts.at(-1)?.choice).toContain('in doubt');
});

test('what is in doubt goes by no other account, however many attempts there were since', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  const worker = await routed.worker();
  const { pool } = routed.tidings.database;
  routed.answer('main', { kind: 'in_doubt', reason: 'no response' });
  const [doubted] = await routed.post('mail');
  await expect.poll(async () => (await pool.query(`select from attempts where outcome = 'in_doubt'`)).rowCount).toBe(1);
  await pool.query(
    `insert into attempts (tenant_id, notification_id, channel, target, attempt, provider, account, worker, started_at, duration_ms, outcome, scope)
     select tenant_id, notification_id, channel, target, n, provider, account, worker, started_at, duration_ms, 'retry', 'message'
     from attempts cross join generate_series(2, 151) as n`,
  );
  await pool.query('update deliveries set attempts = 151');
  await breakMain(routed);
  await expect.poll(() => worker.unhealthyProviders()).toContain('main');
  routed.tidings.clock.now += 61 * MINUTE;
  routed.answer('main', { kind: 'sent' });
  const { attempts } = await becomesInTime(routed, doubted!, 'sent');
  expect(new Set(attempts.map(({ account }) => account))).toEqual(new Set(['main']));
});

test('what is in doubt with an account that is gone stays in doubt, and is not sent by another', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  await routed.worker();
  routed.answer('main', { kind: 'in_doubt', reason: 'no response' });
  const [user] = await routed.post('mail');
  await expect.poll(() => routed.count().main).toBe(1);
  for (const names of [['spare'], []]) {
    routed.setAccounts(names);
    routed.tidings.clock.now += 30 * MINUTE;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  routed.tidings.clock.now += 120 * MINUTE;
  const delivery = await routed.becomes(user!, 'in_doubt');
  expect(delivery.attempts.at(-1)).toMatchObject({ provider: 'none', code: 'account_gone' });
  expect(routed.count()).toEqual({ main: 1 });
});

test('a route is moved once in ten minutes: messages of the second account that fails wait', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  const worker = await routed.worker();
  await breakMain(routed);
  routed.answer('spare', DOWN);
  for (let round = 0; round < 40 && !worker.unhealthyProviders().includes('spare'); round++) {
    await routed.post('mail', 10);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(worker.unhealthyProviders()).toContain('spare');
  expect((await listMoves(routed)).map(({ account }) => account)).toEqual(['main']);
});

test('two processes that see a failure at the same time move the route once', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  await routed.worker();
  await routed.worker();
  routed.answer('main', DOWN);
  await routed.post('mail', 120);
  await breakMain(routed);
  const { rows } = await routed.tidings.database.pool.query('select since = moved_at as once from route_moves');
  expect(rows).toEqual([{ once: true }]);
});

test('messages come back in two steps, ten minutes apart, when the account works again', async () => {
  const routed = await start({ routes: TWO_TIERS, accounts: ['main', 'spare'] });
  await routed.worker();
  await breakMain(routed);
  routed.answer('main', { kind: 'sent' });
  const shares: number[] = [];
  for (let minute = 0; minute < 40 && shares.at(-1) !== 100; minute++) {
    routed.tidings.clock.now += MINUTE;
    await routed.post('mail', 20);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const share = (await listMoves(routed))[0]?.share;
    if (share !== shares.at(-1)) shares.push(share);
  }
  expect(shares).toEqual([10, 50, 100]);
});

test('accounts without a route fail over in the order of their places', async () => {
  const routed = await start({ accounts: ['main', 'spare'] });
  await routed.worker();
  await breakMain(routed);
  const delivery = await sendBySpare(routed);
  expect(delivery.attempts.at(-1)?.choice).toContain('number 2 of the accounts for email');
});
