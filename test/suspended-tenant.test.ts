import type pg from 'pg';
import { expect, test } from 'vitest';
import { TenantKeeper } from '../src/timers/tenant-keeper.ts';
import { expectProblem } from './support/api.ts';
import { useTenants } from './support/tenants.ts';
import { silent } from './support/tidings.ts';

const api = useTenants(
  new Map([
    ['events.yaml', 'events: { came: {}, left: {} }\ntraits: { email: string }\n'],
    ['notifications.yaml', 'notifications: { MAIL: { category: TRANSACTIONAL, channels: [email] } }\n'],
    ['rules.yaml', 'rules: { MAIL: { on: came }, LATER: { on: came, notify: MAIL, delay: 1h } }\n'],
    ['templates/MAIL/email.en.subject.txt', 'Hello'],
    ['templates/MAIL/email.en.html', '<p>Hello</p>'],
  ]),
);
const { send } = api;
const users = (count: number) => Array.from({ length: count }, (_, n) => `user ${n}`);
const statuses = async (tenant: string) =>
  Object.fromEntries(
    (
      await api.rows('select status, count(*)::int as n from deliveries where tenant_id = $1 group by status', [tenant])
    ).map(({ status, n }) => [status, n]),
  );
const claimable = () =>
  api.rows(
    `select (select count(*)::int from deliveries where finished_at is null and due_at < '2400-01-01') as deliveries,
            (select count(*)::int from waits where status = 'waiting' and claimed_until is null) as waits`,
  );

test('of a suspended tenant nothing is sent, fired or lost, and after it is resumed everything goes on', async () => {
  await api.create('acme');
  await api.post('acme', users(1000));
  await api.post('acme', users(1500).slice(1000));
  expect(await statuses('acme')).toEqual({ queued: 1500 });
  expect((await send('POST', '/api/v1/tenants/acme/suspend')).body.status).toBe('suspended');
  expectProblem(await send('GET', '/api/v1/users', undefined, 'acme'), { status: 403, code: 'tenant_suspended' });
  await api.keep();
  expect(await claimable()).toEqual([{ deliveries: 0, waits: 0 }]);

  await api.post('default', ['other']);
  await api.tidings.worker();
  await expect.poll(() => statuses('default')).toEqual({ sandboxed: 1 });
  expect(await statuses('acme')).toEqual({ queued: 1500 });

  api.tidings.clock.now += 48 * 3_600_000;
  expect((await send('POST', '/api/v1/tenants/acme/resume')).body).toMatchObject({ status: 'active' });
  await api.keep();
  await expect.poll(() => statuses('acme'), { timeout: 60_000 }).toEqual({ sandboxed: 1500 });
  const [waits] = await api.rows(
    `select count(*)::int as n from waits where tenant_id = 'acme' and status = 'waiting' and claimed_until is null`,
  );
  expect(waits).toEqual({ n: 1500 });
  await api.tidings.timers();
  await expect.poll(() => statuses('acme'), { timeout: 60_000 }).toEqual({ sandboxed: 3000 });
  expect((await send('GET', '/api/v1/tenants/acme')).body.suspended_at).toBeNull();
});

test('the time for retries stops while the tenant is suspended', async () => {
  await api.create('slow');
  await api.tidings.stopWorkers();
  await api.post('slow', ['one']);
  // The message that was there before: a wait may be fired meanwhile.
  const left = `select extract(epoch from retry_until - $1::timestamptz)::int as n
                from deliveries where tenant_id = 'slow' order by notification_id limit 1`;
  const at = () => new Date(api.tidings.clock.now).toISOString();
  const [before] = await api.rows(left, [at()]);
  await send('POST', '/api/v1/tenants/slow/suspend');
  await api.keep();
  api.tidings.clock.now += 100 * 3_600_000;
  await send('POST', '/api/v1/tenants/slow/resume');
  await api.keep();
  expect(await api.rows(left, [at()])).toEqual([before]);
});

test('a keeper that dies in the middle has held some rows, and the next one holds the rest', async () => {
  await api.create('cut');
  await api.post('cut', users(30));
  await send('POST', '/api/v1/tenants/cut/suspend');
  await api.rows(
    `update deliveries set due_at = '2500-01-01T00:00:00Z' where tenant_id = 'cut' and user_id like '%1%'`,
  );
  await api.keep();
  const [open] = await api.rows(
    `select count(*)::int as n from deliveries where tenant_id = 'cut' and finished_at is null and due_at < '2400-01-01'`,
  );
  expect(open).toEqual({ n: 0 });
});

test('a tenant that is suspended twice, or resumed twice, is so once', async () => {
  await api.create('twice');
  for (const verb of ['suspend', 'suspend', 'resume', 'resume']) {
    expect((await send('POST', `/api/v1/tenants/twice/${verb}`)).status).toBe(200);
  }
  const entries = await api.rows(`select action from audit_log where tenant_id = 'twice' order by entry_id`);
  expect(entries.map(({ action }) => action)).toEqual(['tenant.created', 'tenant.suspended', 'tenant.resumed']);
});

/** Lets a keeper work that is frozen after it has listed the tenants, before it changes a row. Returns what lets it go on. */
async function keepFrozen(): Promise<() => Promise<void>> {
  const { pool } = api.tidings;
  let thaw = () => {};
  const isThawed = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  let kept: Promise<void> | undefined;
  await new Promise<void>((resolve) => {
    const frozen = {
      query: pool.query.bind(pool),
      async connect() {
        resolve();
        await isThawed;
        return pool.connect();
      },
    };
    kept = api.keep(frozen as unknown as pg.Pool);
  });
  return async () => {
    thaw();
    await kept;
  };
}

const heldOf = async (tenant: string) => {
  const [{ held, free }] = await api.rows(
    `select (count(*) filter (where due_at > '2400-01-01'))::int as held, (count(*) filter (where due_at < '2400-01-01'))::int as free
     from deliveries where tenant_id = $1 and finished_at is null`,
    [tenant],
  );
  return { held, free };
};

test('a process that was frozen holds nothing of a tenant that was resumed meanwhile', async () => {
  await api.create('goes-on');
  await api.tidings.stopWorkers();
  await api.post('goes-on', users(3));
  await send('POST', '/api/v1/tenants/goes-on/suspend');
  const goOn = await keepFrozen();
  await send('POST', '/api/v1/tenants/goes-on/resume');
  await api.keep();
  await goOn();
  expect(await heldOf('goes-on')).toEqual({ held: 0, free: 3 });
});

test('a process that was frozen releases nothing of a tenant that moves meanwhile', async () => {
  await api.create('away');
  await api.tidings.stopWorkers();
  await api.post('away', users(3));
  await send('POST', '/api/v1/tenants/away/suspend');
  await api.keep();
  await send('POST', '/api/v1/tenants/away/resume');
  const goOn = await keepFrozen();
  await send('POST', '/api/v1/tenants/away/move');
  await api.keep();
  await goOn();
  expect(await heldOf('away')).toEqual({ held: 3, free: 0 });
});

test('a tenant that is suspended again is held at once, however long nothing was to be held before', async () => {
  await api.create('again');
  await api.tidings.stopWorkers();
  const { pool, clock } = api.tidings;
  const keeper = new TenantKeeper({ pool, clock: () => clock.now, log: silent, interval: 60_000 });
  const look = async () => {
    keeper.wake();
    await keeper.settled();
  };
  await send('POST', '/api/v1/tenants/again/suspend');
  for (let looks = 0; looks < 3; looks++) await look();
  await send('POST', '/api/v1/tenants/again/resume');
  await look();
  await api.post('again', users(3));
  await send('POST', '/api/v1/tenants/again/suspend');
  await look();
  await keeper.stop();
  expect(await heldOf('again')).toEqual({ held: 3, free: 0 });
});
