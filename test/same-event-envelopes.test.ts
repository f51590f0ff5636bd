import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runs } from './support/properties.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The envelope of an event does not matter: it is stored and decided as the same event in another envelope. */

const CATALOG = new Map([
  ['events.yaml', 'events: { placed: { properties: { total: number } }, paid: {} }\n'],
  ['notifications.yaml', 'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n'],
  [
    'rules.yaml',
    `rules:
  LARGE: { on: placed, when: event.total > 10 && context.correlation_id == "c", notify: N, limit: 1 per day }
  PAID: { on: paid, after: { event: placed, within: 1h }, when: traits.plan == "pro" || user.plan == "pro", notify: N }
  OFTEN: { on: [placed, paid], count: { at_least: 3, within: 1h }, notify: N }
  LATER: { on: placed, unless: { event: paid, within: 1h }, key: event.total, notify: N }
`,
  ],
  ['templates/N/internal.en.txt', 'x\n'],
]);

const ENVELOPES = ['own', 'domain', 'cloud'] as const;
type Envelope = (typeof ENVELOPES)[number];

let tidings: TestTidings;
let histories = 0;

beforeAll(async () => {
  tidings = await testTidings({}, CATALOG);
});
afterAll(() => tidings.close());

const someEvent = fc.record({
  type: fc.constantFrom('placed', 'paid', 'unknown.type'),
  minutes: fc.nat(120),
  total: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant('no number')),
  more: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 }),
  address: fc.option(fc.constant('maria@example.com'), { nil: undefined }),
  traits: fc.option(fc.record({ plan: fc.constantFrom('free', 'pro'), email: fc.constant('maria@example.com') }), {
    nil: undefined,
  }),
  correlation: fc.option(fc.constantFrom('c', 'd', 'maria@example.com'), { nil: undefined }),
  cause: fc.option(fc.constant('cmd-1'), { nil: undefined }),
});
type SomeEvent = typeof someEvent extends fc.Arbitrary<infer Value> ? Value : never;

/** Writes an event in an envelope. Ids and users differ in the name of the envelope alone: `own 1.2` and `cloud 1.2`. */
function write(envelope: Envelope, id: string, user: string, event: SomeEvent) {
  const { type, minutes, total, more, address, traits, correlation, cause } = event;
  const time = new Date(tidings.clock.now - minutes * 60_000).toISOString();
  const data = { ...more, userId: user, user_traits: null, userTraits: traits, total, ...(address && { address }) };
  switch (envelope) {
    case 'own':
      return {
        event_id: id,
        user_id: user,
        event_type: type,
        event_timestamp: time,
        properties: data,
        user_traits: traits,
        context: { source: 'cloud', correlation_id: correlation, causation_id: cause },
      };
    case 'domain':
      return {
        eventType: type,
        data,
        metadata: { eventId: id, timestamp: time, source: 'cloud', correlationId: correlation, causationId: cause },
      };
    case 'cloud':
      return {
        specversion: '1.0',
        id: id.slice('cloud '.length),
        source: 'cloud',
        type,
        time,
        correlationid: correlation,
        causationid: cause,
        data,
      };
  }
}

/** Returns a value without what differs by design: the name of the envelope in ids, and ids that are made from them. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (name, inner) => (name === 'key' ? undefined : inner));
  const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
  return JSON.parse(text.replace(/\b(own|domain|cloud) (?=\d+)/g, '').replace(uuid, 'id'));
}

test('the same events in each envelope, mixed in requests, are stored and decided the same', async () => {
  let accepted = 0;
  const property = fc.asyncProperty(
    // Ids say which of the events of one moment counts as the first.
    fc.uniqueArray(someEvent, { minLength: 1, maxLength: 8, selector: ({ minutes }) => minutes }),
    fc.array(fc.constantFrom(...ENVELOPES), { minLength: 8, maxLength: 24 }),
    async (events, turns) => {
      const history = ++histories;
      // The envelopes take turns; the events of each stay in order.
      const next = { own: 0, domain: 0, cloud: 0 };
      const order = [...turns, ...ENVELOPES.flatMap((envelope) => events.map(() => envelope))].flatMap((envelope) => {
        const index = next[envelope]++;
        return index < events.length ? [{ envelope, index }] : [];
      });
      const items = order.map(({ envelope, index }) => {
        return write(envelope, `${envelope} ${history}.${index}`, `${envelope} ${history}`, events[index] as SomeEvent);
      });
      const results = JSON.parse(JSON.stringify(await tidings.ingest(JSON.parse(JSON.stringify(items)))));
      expect(results).toHaveLength(items.length);
      const decided = ENVELOPES.map((envelope) => {
        return plain(
          order.flatMap((one, place) => {
            if (one.envelope !== envelope) return [];
            const { status, decisions, code } = results[place];
            return [{ index: one.index, status, decisions, code }];
          }),
        );
      });
      expect(decided[1]).toEqual(decided[0]);
      expect(decided[2]).toEqual(decided[0]);
      const stored = await Promise.all(ENVELOPES.map((envelope) => loadStored(`${envelope} ${history}`)));
      expect(stored[1]).toEqual(stored[0]);
      expect(stored[2]).toEqual(stored[0]);
      accepted += (stored[0] as unknown[]).length;
    },
  );
  await fc.assert(property, runs(40));
  expect(accepted).toBeGreaterThan(40);
});

/** Returns the stored events of a user, as plain values. */
async function loadStored(userId: string): Promise<unknown> {
  const { rows } = await tidings.pool.query(
    `select event_id, event_type, event_time, properties, traits, context, correlation_id, sealed is not null as sealed, decisions
     from events where user_id = $1 order by event_time, event_id`,
    [userId],
  );
  return plain(rows);
}
