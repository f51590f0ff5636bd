import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DELIVERY_HOLD_CODES, HOLD_ENDS, isHoldOver } from '../src/model/hold-codes.ts';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import type { TestServer } from './support/http.ts';

/* Deliveries that are held, by what holds them: as a filter of lists, and in counts. */

const HOUR = 3_600_000;

let api: TestApi;
let server: TestServer;

beforeAll(async () => {
  api = await testApi();
  server = api.server;
});
afterAll(() => api.close());
beforeEach(() => api.tidings.database.pool.query('delete from deliveries'));

interface Stored {
  readonly hold: string | null;
  /** In ms from now. */
  readonly due: number;
  readonly status?: string;
  readonly channel?: string;
  readonly tenant?: string;
  /** Number of them. */
  readonly count?: number;
  /** First digits of their ids: greater ones are newer. */
  readonly age?: string;
}

/** Stores deliveries of these users, by their names. */
async function store(deliveries: { readonly [user: string]: Stored }): Promise<void> {
  for (const [user, one] of Object.entries(deliveries)) {
    const { hold, due, status = 'queued', channel = 'email', tenant = 'default', count = 1, age = '01999f3e' } = one;
    await api.tidings.database.pool.query(
      `insert into deliveries (tenant_id, notification_id, channel, user_id, notification_type, status, hold_code, in_doubt_policy,
         due_at, retry_until, created_at, finished_at, started_at, duration_ms)
       select $1, ($8 || '-0000-7000-8000-' || substr(md5($2 || n), 1, 12))::uuid, $3, $2, 'N', $4, $5, 'resend', $6, $6, $7,
              case when $4 = 'sent' then $7::timestamptz end, case when $4 = 'sent' then $7::timestamptz end,
              case when $4 = 'sent' then 1 end
       from generate_series(1, $9::int) as n`,
      [tenant, user, channel, status, hold, at(due), at(0), age, count],
    );
  }
}

const at = (ms: number) => new Date(api.tidings.clock.now + ms).toISOString();

async function list(query: string): Promise<string[]> {
  const { body } = await server.get(`/api/v1/deliveries?limit=200&${query}`);
  return body.deliveries.map((one: { user_id: string }) => one.user_id).sort();
}

const count = async (query = '') => (await server.get(`/api/v1/deliveries/counts?${query}`)).body;

test('are listed and counted by what holds them now: one that is due is not held, unless someone has to end its hold', async () => {
  await store(
    Object.fromEntries(
      DELIVERY_HOLD_CODES.flatMap((hold) => [
        [`${hold} ahead`, { hold, due: HOUR }],
        [`${hold} due`, { hold, due: 0 }],
        [`${hold} past`, { hold, due: -HOUR }],
      ]),
    ),
  );
  await store({ turn: { hold: null, due: HOUR }, sent: { hold: null, due: HOUR, status: 'sent' } });
  const { total, counts } = await count();
  expect(total).toBe(3 * DELIVERY_HOLD_CODES.length + 2);
  const byCode = new Map(counts.hold_code.map((one: { value: string; count: number }) => [one.value, one.count]));
  for (const code of DELIVERY_HOLD_CODES) {
    const { now } = api.tidings.clock;
    const expected = [
      ['ahead', HOUR],
      ['due', 0],
      ['past', -HOUR],
    ].flatMap(([word, due]) => (isHoldOver(code, now + Number(due), now) ? [] : [`${code} ${word}`]));
    expect(expected.length).toBe(HOLD_ENDS[code] === 'ended' ? 3 : 1);
    expect(await list(`hold_code=${code}`)).toEqual(expected);
    expect(byCode.get(code)).toBe(expected.length);
    expect((await count(`hold_code=${code}`)).total).toBe(expected.length);
  }
  expect(byCode.size).toBe(DELIVERY_HOLD_CODES.length);
});

test('are no longer held when time goes on', async () => {
  await store({
    night: { hold: 'quiet_hours', due: HOUR },
    kept: { hold: 'endpoint_disabled', due: HOUR, channel: 'webhook' },
  });
  api.tidings.clock.now += HOUR;
  expect(await list('hold_code=quiet_hours')).toEqual([]);
  expect(await list('hold_code=endpoint_disabled')).toEqual(['kept']);
  expect((await count()).counts.hold_code).toEqual([{ value: 'endpoint_disabled', count: 1 }]);
  expect(await list('')).toEqual(['kept', 'night']);
});

test('are narrowed by the other fields as well, and counted as far as those allow', async () => {
  await store({
    mail: { hold: 'quiet_hours', due: HOUR },
    text: { hold: 'quiet_hours', due: HOUR, channel: 'sms' },
    paused: { hold: 'paused', due: HOUR, channel: 'sms' },
  });
  expect(await list('hold_code=quiet_hours&channel=sms&status=queued')).toEqual(['text']);
  expect(await list('hold_code=quiet_hours&status=dead')).toEqual([]);
  const { total, counts } = await count('hold_code=quiet_hours&channel=sms');
  expect(total).toBe(1);
  expect(counts.hold_code).toEqual([
    { value: 'paused', count: 1 },
    { value: 'quiet_hours', count: 1 },
  ]);
  expect(counts.channel).toEqual([
    { value: 'email', count: 1 },
    { value: 'sms', count: 1 },
  ]);
  expect((await count('count_by=hold_code')).counts).toEqual({
    hold_code: [
      { value: 'quiet_hours', count: 2 },
      { value: 'paused', count: 1 },
    ],
  });
});

test('of other tenants are neither listed nor counted', async () => {
  await store({
    own: { hold: 'sending_paused', due: HOUR },
    foreign: { hold: 'sending_paused', due: HOUR, tenant: 'other' },
    kept: { hold: 'batch_paused', due: -HOUR, tenant: 'other' },
  });
  expect(await list('hold_code=sending_paused')).toEqual(['own']);
  expect(await list('hold_code=batch_paused')).toEqual([]);
  expect((await count()).counts.hold_code).toEqual([{ value: 'sending_paused', count: 1 }]);
});

test('a code that does not exist is answered with the nearest', async () => {
  for (const path of ['deliveries', 'deliveries/counts']) {
    const answer = await server.get(`/api/v1/${path}?hold_code=quiet_hour`);
    expectProblem(answer, { status: 400, code: 'invalid_request', pointer: 'hold_code' });
    expect(answer.body.detail).toContain('did you mean quiet_hours?');
  }
});

test('are found and counted behind any number of newer deliveries, and on several pages', async () => {
  await store({
    old: { hold: 'legal_hours', due: HOUR, count: 3 },
    many: { hold: null, due: 0, status: 'sent', age: 'ffffffff', count: 20_001 },
  });
  const first = (await server.get('/api/v1/deliveries?hold_code=legal_hours&limit=2')).body;
  expect(first.deliveries).toHaveLength(2);
  const second = (await server.get(`/api/v1/deliveries?hold_code=legal_hours&limit=2&after=${first.next}`)).body;
  expect([second.deliveries.length, second.next]).toEqual([1, null]);
  const { counts } = await count();
  expect(counts.hold_code).toEqual([{ value: 'legal_hours', count: 3 }]);
  expect(counts.status).toEqual([
    { value: 'sent', count: 20_001 },
    { value: 'queued', count: 3 },
  ]);
});

test('those whose hold is over are looked at up to a bound: a page may be empty although the list goes on', async () => {
  await store({
    held: { hold: 'rate_limited', due: HOUR },
    over: { hold: 'rate_limited', due: -1, age: 'ffffffff', count: 20_001 },
  });
  const first = (await server.get('/api/v1/deliveries?hold_code=rate_limited')).body;
  expect([first.deliveries, typeof first.next]).toEqual([[], 'string']);
  const second = (await server.get(`/api/v1/deliveries?hold_code=rate_limited&after=${first.next}`)).body;
  expect(second.deliveries).toMatchObject([{ user_id: 'held', hold_code: 'rate_limited' }]);
  expect(await count()).toMatchObject({ at_least: true, since: expect.any(String) });
});

test('no job takes a hold for its filter: holds end while it works', async () => {
  for (const action of ['deliveries.cancel', 'deliveries.retry']) {
    for (const path of ['jobs', 'jobs/preview']) {
      const answer = await server.post(`/api/v1/${path}`, { action, filter: { hold_code: 'quiet_hours' } });
      expectProblem(answer, { status: 400, code: 'invalid_request', pointer: '/filter/hold_code' });
    }
  }
});
