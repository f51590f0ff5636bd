import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestApi, testApi } from './support/api.ts';

let api: TestApi;

const CATALOG = new Map([
  ['events.yaml', 'events: { order.created: { properties: { total: number } }, order.flagged: {}, order.paid: {} }'],
  [
    'notifications.yaml',
    'notifications: { CONFIRMATION: { category: TRANSACTIONAL, channels: [email] }, REMINDER: { category: TRANSACTIONAL, channels: [email] }, FLAGGED: { category: TRANSACTIONAL, channels: [email] } }',
  ],
  [
    'rules.yaml',
    `rules:
  CONFIRMATION: { on: order.created, when: 'context.correlation_id.startsWith("c-")' }
  REMINDER: { on: order.created, unless: { event: order.paid, within: 1h }, when: context.source == "shop" }
  FLAG: { on: order.created, when: event.total > 100, do: [{ emit: order.flagged }] }
  FLAGGED: { on: order.flagged, when: 'context.correlation_id == "c-2" && context.causation_id == "e-2"' }
`,
  ],
  ...['CONFIRMATION', 'REMINDER', 'FLAGGED'].flatMap((name): [string, string][] => [
    [`templates/${name}/email.en.subject.txt`, `Ref {{context.correlation_id}}`],
    [`templates/${name}/email.en.html`, `<p>From {{context.source}}</p>`],
  ]),
]);
const AT = '2025-11-20T11:00:00Z';

const order = (id: string, correlationId: string | undefined, more: object = {}) => ({
  eventType: 'order.created',
  data: { userId: 'ann', total: 5, userTraits: { email: 'ann@example.com' } },
  metadata: { eventId: id, timestamp: AT, source: 'shop', ...(correlationId && { correlationId }) },
  ...more,
});

beforeAll(async () => {
  api = await testApi();
  await api.tidings.apply(CATALOG);
});

afterAll(() => api.close());

const find = async (id: string, more = '') =>
  (await api.server.get(`/api/v1/audit?correlation_id=${encodeURIComponent(id)}${more}`)).body;

interface Entry {
  readonly kind: 'event' | 'notification';
  readonly event: { readonly event_id: string; readonly context: object };
  readonly decisions: readonly { readonly rule: string; readonly outcome: string }[];
  readonly notification: { readonly rule: string; readonly deliveries: readonly { readonly channel: string }[] };
}

describe('a correlation id', () => {
  test('finds events, decisions, and notifications with their deliveries, also those of a wait that ended later', async () => {
    await api.server.post('/api/v1/events', [order('e-1', 'c-1'), order('e-other', 'c-9'), order('e-none', undefined)]);
    api.tidings.clock.now += 3_600_000;
    await api.tidings.fireDueWaits(['ann']);
    const { entries, next } = await find('c-1');
    expect(next).toBeNull();
    expect(entries.map(({ kind }: Entry) => kind).sort()).toEqual(['event', 'notification', 'notification']);
    const sent = entries.flatMap(({ kind, notification }: Entry) => (kind === 'notification' ? [notification] : []));
    expect(sent.map(({ rule }: { rule: string }) => rule).sort()).toEqual(['CONFIRMATION', 'REMINDER']);
    expect(sent[0].deliveries).toMatchObject([{ channel: 'email' }]);
    const event = entries.find(({ kind }: Entry) => kind === 'event');
    expect(
      event.decisions.map(({ rule, outcome }: { rule: string; outcome: string }) => [rule, outcome]),
    ).toContainEqual(['CONFIRMATION', 'send']);
  });

  test('is carried by the events that rules emit, with the triggering event as their cause', async () => {
    await api.server.post('/api/v1/events', order('e-2', 'c-2', { data: { userId: 'bob', total: 500 } }));
    const { entries } = await find('c-2');
    const emitted = entries.find(({ kind, event }: Entry) => kind === 'event' && event.event_id !== 'e-2');
    expect(emitted.event.context).toEqual({
      correlation_id: 'c-2',
      source: 'shop',
      causation_id: 'e-2',
      emitted_by: 'FLAG',
    });
    expect(
      entries.some(({ kind, notification }: Entry) => kind === 'notification' && notification.rule === 'FLAGGED'),
    ).toBe(true);
  });

  test('is listed page by page, each entry once', async () => {
    const items = Array.from({ length: 7 }, (_, index) =>
      order(`p-${index}`, 'c-pages', { data: { userId: `p${index}` } }),
    );
    await api.server.post('/api/v1/events', items);
    const whole = (await find('c-pages', '&limit=200')).entries;
    const paged: Entry[] = [];
    for (let after = ''; ; ) {
      const { entries, next } = await find('c-pages', `&limit=3${after}`);
      paged.push(...entries);
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(whole).toHaveLength(21);
    expect(paged).toEqual(whole);
  });

  test('that is an address is masked where it is stored, and found all the same', async () => {
    await api.server.post('/api/v1/events', order('e-zoe', 'zoe@example.com'));
    const body = await find('zoe@example.com');
    expect(body.entries).toHaveLength(2);
    expect(JSON.stringify(body.entries)).not.toContain('zoe@example.com');
    const { rows } = await api.tidings.pool.query(
      'select row_to_json(e)::text as text from events e where event_id = $1',
      ['e-zoe'],
    );
    expect(rows[0].text).not.toContain('zoe@');
  });

  test('of any length and of any type is accepted with its event', async () => {
    for (const [index, id] of ['x'.repeat(5000), 7, { a: 1 }, ''].entries()) {
      const item = order(`odd-${index}`, undefined);
      const { body } = await api.server.post('/api/v1/events', {
        ...item,
        metadata: { ...item.metadata, correlationId: id },
      });
      expect(body.accepted).toBe(1);
    }
    expect((await find('x'.repeat(1000))).entries).toHaveLength(2);
    expect((await find('nothing has it')).entries).toEqual([]);
    expect((await api.server.get('/api/v1/audit')).status).toBe(400);
  });

  test('is decided again in the same way by a backtest', async () => {
    const report = await api.tidings.backtest(Date.parse(AT));
    expect(report.reproduced).toMatchObject({ different: 0 });
    expect(report.reproduced?.decisions).toBeGreaterThan(20);
  });
});

test('an event without a correlation id has no entry in the index', async () => {
  const { rows } = await api.tidings.pool.query(
    "select count(*)::int as n from events where correlation_id is null and event_id = 'e-none'",
  );
  expect(rows).toEqual([{ n: 1 }]);
});
