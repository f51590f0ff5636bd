import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type TestFacts, testFacts } from './support/facts.ts';
import type { TestEndpoint } from './support/webhooks.ts';

/** The number in the body of a webhook by which a receiver orders what it receives about a user. */

let facts: TestFacts;
beforeEach(async () => {
  facts = await testFacts();
});
afterEach(() => facts.close());

const getBodies = ({ standIn }: TestEndpoint) => standIn.requests.map(({ body }) => JSON.parse(body));
const isGrowing = (numbers: readonly number[]) => numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? n));

async function readSequence(): Promise<string> {
  const { rows } = await facts.tidings.database.pool.query('select last_value::text as n from webhook_sequence');
  return rows[0].n;
}

test('it grows from event to event of a user, in one request, over requests, and over processes', async () => {
  const endpoint = await facts.endpoint({ event_types: ['order.*'] });
  const other = facts.tidings.startProcess();
  const toItem = (n: number) => ({
    event_id: `${n}`,
    user_id: 'user 1',
    event_type: 'order.created',
    event_timestamp: new Date(facts.tidings.clock.now - 10_000 + n).toISOString(),
    properties: { n },
  });
  await facts.tidings.ingest([0, 1, 2].map(toItem));
  await other.ingest([3, 4].map(toItem));
  await facts.tidings.ingest([5].map(toItem));
  await other.ingest([6].map(toItem));
  await facts.startWorkers();
  await facts.receive(endpoint, 7);
  const bodies = getBodies(endpoint).sort((a, b) => a.sequence - b.sequence);
  expect(bodies.map(({ data }) => data.properties.n)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  for (const { sequence } of bodies) expect(Number.isSafeInteger(sequence)).toBe(true);
  expect(new Set(bodies.map(({ sequence }) => sequence)).size).toBe(7);
});

test('an outcome has a higher one than the event that led to it, also as text of CloudEvents', async () => {
  const endpoint = await facts.endpoint({ event_types: ['*'] });
  const events = await facts.endpoint({ event_types: ['*'], format: 'cloudevents' });
  await facts.startWorkers();
  await facts.post('signed_up');
  const [delivered, signedUp] = await facts.receive(endpoint, 2);
  expect([delivered.type, signedUp.type]).toEqual(['notification.delivered', 'signed_up']);
  expect(delivered.sequence).toBeGreaterThan(signedUp.sequence);
  const texts = (await facts.receive(events, 2)).map(({ sequence }) => sequence);
  expect(texts).toEqual([delivered, signedUp].map(({ sequence }) => String(sequence)));
  expect(texts.map((text) => text.length)).toEqual([16, 16]);
});

test('a message has one that is the same in each attempt, in a replay, and at each endpoint', async () => {
  const endpoint = await facts.endpoint();
  const second = await facts.endpoint();
  let fails = 1;
  endpoint.standIn.reply(() => ({ status: fails-- > 0 ? 500 : 204 }));
  const ids = [...(await facts.post('posted')), ...(await facts.post('posted'))];
  await facts.startWorkers();
  await vi.waitFor(() => expect(endpoint.standIn.requests).toHaveLength(2), { timeout: 10_000 });
  facts.tidings.clock.now += 10_000;
  await facts.become(endpoint, ['sent', 'sent']);
  await facts.become(second, ['sent', 'sent']);
  const [delivery] = await facts.deliveries(endpoint);
  await facts.server.post(`${endpoint.path}/deliveries/${delivery.delivery_id}/replay`);
  await vi.waitFor(() => expect(endpoint.standIn.requests).toHaveLength(4), { timeout: 10_000 });
  const bodies = [...getBodies(endpoint), ...getBodies(second)];
  const numbers = ids.map((id) => {
    const own = bodies.filter(({ data }) => data.notification_id === id).map(({ sequence }) => sequence);
    expect(new Set(own).size).toBe(1);
    return own[0];
  });
  expect(isGrowing(numbers)).toBe(true);
});

test('none is drawn, and nothing is written, without an endpoint that receives it', async () => {
  const before = await readSequence();
  await facts.post('posted');
  await facts.post('order.created');
  await facts.endpoint({ event_types: ['order.created'] });
  await facts.post('order.paid');
  await facts.post('signed_up');
  expect(await readSequence()).toBe(before);
  await facts.post('order.created');
  expect(await readSequence()).not.toBe(before);
});

test('a suppression of an address without a user is without it', async () => {
  const endpoint = await facts.endpoint({ event_types: ['suppression.*'] });
  await facts.startWorkers();
  const suppression = { channel: 'email', address: 'gone@example.com', scope: 'all' };
  expect((await facts.server.post('/api/v1/suppressions', suppression)).status).toBeLessThan(300);
  const [body] = await facts.receive(endpoint, 1);
  expect(body.type).toBe('suppression.added');
  expect(Object.keys(body)).toEqual(['type', 'timestamp', 'data']);
});
