import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServices, NotificationChannel } from '../packages/client/src/marketplace.ts';
import { Tidings } from '../packages/client/src/tidings.ts';
import { keptCounters } from '../src/analytics/kept-counters.ts';
import { COUNTERS, type Dimension } from '../src/store/metrics/counters.ts';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import { foldAll } from './support/metrics.ts';

/** The answers of GET /api/v1/metrics/…, and what is wrong with a request. The clock stands at 2025-11-20T12:00:00Z, a Thursday. */

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  const items = [
    { minute: at('2025-11-20T11:00:30Z'), event: 'order.placed', events: 5 },
    { minute: at('2025-11-20T11:00:30Z'), type: 'ORDER', rule: 'R', version: 1, decided: 4 },
    { minute: at('2025-11-20T11:00:30Z'), type: 'ORDER', rule: 'R', reason: 'limit_reached', held: 3 },
    {
      minute: at('2025-11-20T11:00:30Z'),
      type: 'ORDER',
      rule: 'R',
      channel: 'sms',
      reason: 'preference_off',
      dropped: 2,
    },
    {
      ...{
        minute: at('2025-11-20T11:01:00Z'),
        type: 'ORDER',
        channel: 'email',
        provider: 'ses',
        version: 1,
        locale: 'en',
      },
      ...{
        sent: 4,
        attempts: 5,
        class: 3,
        latency_ms: 3200,
        confirmable: 4,
        delivered: 3,
        opened: 2,
        clicked: 1,
        bounced: 1,
      },
    },
    {
      minute: at('2025-11-20T11:02:00Z'),
      type: 'ORDER',
      channel: 'email',
      provider: 'ses',
      account: 'two',
      dead: 1,
      attempts: 9,
      reason: 'rejected',
    },
    {
      ...{
        minute: at('2025-11-10T03:04:00Z'),
        type: 'PROMO',
        channel: 'sms',
        provider: 'sesame',
        currency: 'EUR',
        cost: 0.25,
      },
      ...{ sent: 1, attempts: 1, class: 0, latency_ms: 50 },
    },
    { minute: at('2025-06-02T00:00:00Z'), type: 'PROMO', channel: 'sms', provider: 'sesame', sent: 7 },
    { minute: at('2025-06-02T00:00:00Z'), type: 'PROMO', rule: 'R', decided: 8 },
    { minute: at('2025-06-02T00:00:00Z'), type: 'NUDGE', rule: 'R', decided: 2, aimed: 2, goals: 1 },
  ];
  const { pool } = api.tidings.database;
  await pool.query('insert into metric_deltas (tenant_id, at, items) values ($1, $2, $3)', [
    'default',
    '2025-11-20T11:59:00Z',
    JSON.stringify(items),
  ]);
});
afterAll(() => api.close());

function at(time: string): number {
  return Math.floor(Date.parse(time) / 60_000);
}

function get(path: string) {
  return api.server.get(`/api/v1/metrics/${path}`);
}

test('what is not folded yet is not counted, and the answer says since when', async () => {
  const { body } = await get('summary');
  expect(body).toMatchObject({
    as_of: '2025-11-20T11:59:00.000Z',
    metrics: { sent: 0, delivery_rate: null },
    costs: [],
  });
  await foldAll(api.tidings.database.pool, api.tidings.clock.now, 1);
  expect((await get('summary')).body).toMatchObject({ as_of: '2025-11-20T12:00:00.000Z', metrics: { sent: 5 } });
});

describe('folded', () => {
  beforeAll(() => foldAll(api.tidings.database.pool, api.tidings.clock.now));

  test('a summary has sums, rates, times and costs of the last 30 days', async () => {
    const { body } = await get('summary');
    expect(body).toMatchObject({
      from: '2025-10-21T12:00:00.000Z',
      to: '2025-11-20T12:00:00.000Z',
      metrics: {
        ...{
          events: 5,
          decided: 4,
          held: 3,
          dropped: 2,
          sent: 5,
          dead: 1,
          attempts: 15,
          delivered: 3,
          opened: 2,
          clicked: 1,
        },
        ...{ delivery_rate: 0.75, open_rate: 0.666667, click_rate: 0.333333, bounce_rate: 0.25, error_rate: 0.333333 },
        ...{ avg_delivery_time_ms: 650, p50_delivery_time_ms: 688 },
      },
      costs: [{ currency: 'EUR', amount: 0.25 }],
    });
  });

  test.each([
    ['?type=ORDER', { sent: 4, held: 3, events: null }],
    ['?channel=email', { sent: 4, held: null, events: null, decided: null, dropped: 0 }],
    ['?channel=sms&type=PROMO', { sent: 1, delivered: null, delivery_rate: null, opened: null }],
    ['?provider=ses', { sent: 4, dead: 1, decided: null, planned: null }],
    ['?provider=ses&account=two', { sent: 0, dead: 1 }],
    ['?locale=en', { sent: 4, decided: null, planned: null }],
    ['?version=1', { sent: 4, decided: 4 }],
    ['?rule=R', { decided: 4, held: 3, dropped: 2, planned: null, sent: null, sandboxed: null, error_rate: null }],
    ['?from=2025-11-20T11:01:00Z&to=2025-11-20T11:02:00Z', { sent: 4, dead: 0, held: 0 }],
    ['?from=2025-11-20T11:02:00Z', { sent: 0, dead: 1 }],
    ['?from=2025-11-11T00:00:00Z&to=2025-11-19T00:00:00Z', { sent: 0 }],
    // Hours are kept for 90 days: a span that begins before begins with a day.
    ['?from=2025-06-02T13:00:00Z&to=2025-06-02T14:00:00Z', { sent: 7 }],
    ['?from=2025-06-03T00:00:00Z', { sent: 5 }],
    ['?from=2025-05-26T00:00:00Z', { sent: 12 }],
  ])('a summary%s counts only that', async (query, metrics) => {
    expect((await get(`summary${query}`)).body.metrics).toMatchObject(metrics);
  });

  test('a share of goals is one of the notifications whose type has a goal', async () => {
    const span = 'from=2025-06-02T00:00:00Z&to=2025-06-03T00:00:00Z';
    expect((await get(`summary?${span}`)).body.metrics).toMatchObject({ decided: 10, goals: 1, goal_rate: 0.5 });
    const goalOf = async (query: string) => (await get(`funnel?${query}`)).body.stages.at(-1);
    expect(await goalOf(span)).toEqual({ stage: 'goal', count: 1, of: 'decided', base: 2, rate: 0.5 });
    expect(await goalOf(`${span}&type=PROMO`)).toMatchObject({ count: null, base: 0, rate: null });
  });

  test('an export of nothing has its line of names', async () => {
    const load = async (query: string) => (await fetch(`${api.server.url}/api/v1/metrics/export?${query}`)).text();
    expect(await load('view=anomalies')).toBe('kind,of,name,hours,count,usual,weeks,since\r\n');
    expect(await load('view=groups&by=variant')).toMatch(/^key,events,decided,.*,p95_delivery_time_ms\r\n$/);
    // A sum that is not known is empty in CSV, and null in NDJSON.
    const [names = '', line = ''] = (await load('view=groups&by=rule')).split('\r\n');
    const row = Object.fromEntries(names.split(',').map((name, n) => [name, line.split(',')[n]]));
    expect(row).toMatchObject({ key: 'R', decided: '4', sent: '', delivered: '' });
    expect(JSON.parse(await load('view=groups&by=rule&format=ndjson'))).toMatchObject({ decided: 4, sent: null });
  });

  test('a type that only an earlier version had is read, and a misspelled one has the right name in its answer', async () => {
    expect((await get('summary?type=PROMO')).status).toBe(200);
    const { body } = await get('reasons/users?reason=limit_reech');
    expect(body.detail ?? body.errors[0].message).toContain('did you mean limit_reached?');
  });

  test('the docs say which sums are kept by what', async () => {
    const page = await readFile(new URL('../docs/analytics.md', import.meta.url), 'utf8');
    const table = page.slice(page.indexOf('| counters |')).split('\n\n')[0] ?? '';
    const [head = [], , ...rows] = table.split('\n').map((line) => line.split('|').slice(1, -1));
    const wordsOf = (cell: string) => [...cell.matchAll(/`(\w+)`/g)].map(([, word = '']) => word);
    for (const [n, column] of head.entries()) {
      for (const name of wordsOf(column)) {
        const isKept = { account: ['provider', false], channel: ['type', true] }[name] ?? [name, false];
        const keeps = keptCounters(isKept[0] as Dimension, isKept[1] as boolean, name === 'type' || name === 'channel');
        const listed = rows.flatMap((row) => (row[n]?.trim() === '–' ? [] : wordsOf(row[0] ?? '')));
        expect(listed.sort(), name).toEqual(COUNTERS.filter((one) => keeps(one) && one !== 'latency_ms').sort());
      }
    }
  });

  test('channels are compared by errors, time and cost', async () => {
    const { channels } = (await get('channels')).body;
    expect(channels).toEqual([
      expect.objectContaining({
        channel: 'email',
        metrics: expect.objectContaining({ sent: 4, error_rate: 0.4 }),
        costs: [],
      }),
      expect.objectContaining({ channel: 'sms', costs: [{ currency: 'EUR', amount: 0.25 }] }),
    ]);
  });

  test.each([
    [
      'type',
      [
        ['ORDER', 4],
        ['PROMO', 1],
      ],
    ],
    [
      'provider',
      [
        ['ses', 4],
        ['sesame', 1],
        ['ses/two', 0],
      ],
    ],
    ['event', [['order.placed', null]]],
    ['rule', [['R', null]]],
  ])('groups by %s are listed, the largest first', async (by, expected) => {
    const { groups } = (await get(`groups?by=${by}`)).body;
    expect(groups.map(({ key, metrics }: { key: string; metrics: { sent: number } }) => [key, metrics.sent])).toEqual(
      expected,
    );
  });

  test('the span and the length of points may be given without a value, which is the usual one', async () => {
    expect((await get('series?from=&to=&grain=')).body).toMatchObject({
      from: '2025-10-21T00:00:00.000Z',
      grain: 'day',
    });
  });

  test('groups have a trend and costs where those are known', async () => {
    const { groups } = (await get('groups?by=type&from=2025-11-09T12:00:00Z&trend=day')).body;
    expect(groups.map(({ key, trend, costs }: Record<string, unknown>) => [key, trend, costs])).toEqual([
      ['ORDER', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4], []],
      ['PROMO', [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [{ currency: 'EUR', amount: 0.25 }]],
    ]);
    const [first] = (await get('groups?by=locale')).body.groups;
    expect([first.trend, first.costs]).toEqual([null, null]);
  });

  test('a series has a point for each bucket, also where nothing happened', async () => {
    const { body } = await get('series?from=2025-11-09T12:00:00Z&grain=day&type=PROMO');
    expect(body).toMatchObject({ grain: 'day', from: '2025-11-09T00:00:00.000Z', to: '2025-11-21T00:00:00.000Z' });
    expect(body.points.map((one: { metrics: { sent: number } }) => one.metrics.sent)).toEqual([
      0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    const weeks = (await get('series?from=2025-11-09T12:00:00Z&grain=week')).body;
    expect(
      weeks.points.map((one: { at: string; metrics: { sent: number } }) => [one.at.slice(0, 10), one.metrics.sent]),
    ).toEqual([
      ['2025-11-03', 0],
      ['2025-11-10', 1],
      ['2025-11-17', 4],
    ]);
  });

  test.each([
    ['2025-11-20T11:00:00Z', 'minute'],
    ['2025-11-14T00:00:00Z', 'hour'],
    ['2025-09-01T00:00:00Z', 'day'],
    ['2020-09-01T00:00:00Z', 'week'],
  ])('a series from %s has a point a %s', async (from, grain) => {
    expect((await get(`series?from=${from}`)).body.grain).toBe(grain);
  });

  test('reasons are listed with what they held back', async () => {
    const { reasons } = (await get('reasons')).body;
    expect(
      reasons.map(({ code, held, dropped, dead }: Record<string, unknown>) => [code, held, dropped, dead]),
    ).toEqual([
      ['limit_reached', 3, 0, 0],
      ['preference_off', 0, 2, 0],
      ['rejected', 0, 0, 1],
    ]);
  });

  test('the façade has metrics, performance of channels and series', async () => {
    const { url } = api.server;
    const { metricsService } = createServices(new Tidings({ baseUrl: url }));
    const span = { dateFrom: new Date('2025-11-01'), dateTo: new Date('2025-11-20T12:00:00Z') };
    const emails = await metricsService.getMetrics({ ...span, channel: NotificationChannel.EMAIL });
    expect(emails).toMatchObject({ sent: 4, delivered: 3, opened: 2, clicked: 1 });
    expect(await metricsService.getChannelPerformance(span)).toMatchObject([
      { channel: 'email', errorRate: 0.4, avgDeliveryTime: 800, cost: 0 },
      { channel: 'sms', errorRate: 0, avgDeliveryTime: 50, cost: 0.25 },
    ]);
    const days = await metricsService.getTimeSeriesData(span, 'day');
    expect(days.length).toBe(20);
    expect(days[9]).toMatchObject({ timestamp: new Date('2025-11-10'), metrics: { sent: 1 } });
  });

  test.each([
    ['summary?from=2025-11-20T00:00:00Z&to=2025-11-20T00:00:00Z', 'from'],
    ['summary?from=2001-11-20T00:00:00Z', 'from'],
    ['summary?account=two', 'provider'],
    ['summary?locale=en&version=1', 'version'],
    ['summary?chanel=sms', 'chanel'],
    ['summary?type=ODER', 'type'],
    ['reasons/users?reason=limit_reached&type=ODER', 'type'],
    ['export?view=series&type=ODER', 'type'],
    ['reasons/users?reason=limit_reech', 'reason'],
    ['summary?version=x', 'version'],
    ['groups?by=event&type=ORDER', 'type'],
    ['groups?by=locale&version=1', 'locale'],
    ['groups?trend=hour&from=2025-11-10T00:00:00Z', 'trend'],
    ['series?grain=minute&from=2025-11-01T00:00:00Z', 'grain'],
    ['series?grain=hour&from=2025-01-01T00:00:00Z&to=2025-01-02T00:00:00Z', 'grain'],
    ['series?grain=minute&provider=ses&from=2025-11-20T11:00:00Z', 'grain'],
    // Without its value, a filter would be one for everything.
    ...['type', 'channel', 'provider', 'account', 'locale', 'variant', 'version', 'rule', 'reason'].map((name) => [
      `summary?${name}=`,
      name,
    ]),
    ['series?type=&grain=day', 'type'],
    ['groups?by=locale&channel=', 'channel'],
    ['channels?provider', 'provider'],
    ['reasons?rule=', 'rule'],
    ['reasons/users?reason=limit_reached&type=', 'type'],
    ['reasons/users?reason=', 'reason'],
    ['funnel?type=ORDER&type=', 'type'],
    ['experiments?type=', 'type'],
    ['export?view=series&type=', 'type'],
  ])('%s is rejected with its place', async (query, pointer) => {
    expectProblem(await get(query), { status: 400, code: 'invalid_request', pointer });
  });
});
