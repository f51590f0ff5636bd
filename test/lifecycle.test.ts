import { afterAll, beforeAll, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { TENANT, type TestTidings, testTidings } from './support/tidings.ts';

/** The outcome of a delivery triggers rules: from its settlement, through the outbox, as an event. */

const SOURCE = new Map([
  ['events.yaml', 'events: { signed_up: {} }\n'],
  [
    'notifications.yaml',
    `notifications:
  WELCOME: { category: MARKETING, variables: { postal_address: { default: 1 Main Street } }, channels: [email] }
  THANKS: { category: OPERATIONAL, channels: [internal] }
  UNREACHABLE: { category: OPERATIONAL, channels: [internal] }
  ARRIVED: { category: OPERATIONAL, channels: [internal] }
`,
  ],
  [
    'rules.yaml',
    `rules:
  WELCOME: { on: signed_up }
  THANKS: { on: { notification: WELCOME, is: [opened, clicked] } }
  UNREACHABLE:
    on: { notification: WELCOME, is: failed }
    limit: once
  ARRIVED:
    on: { notification: WELCOME, is: delivered }
    data: { channel: event.channel }
`,
  ],
  ['templates/WELCOME/email.en.subject.txt', 'Hello'],
  ['templates/WELCOME/email.en.txt', 'Hello'],
]);

let tidings: TestTidings;

beforeAll(async () => {
  tidings = await testTidings({ email: sandboxProvider(['email']), internal: sandboxProvider(['internal']) }, SOURCE);
  await tidings.worker();
  await tidings.timers();
});

afterAll(() => tidings.close());

async function listTypes(userId: string): Promise<string[]> {
  const { rows } = await tidings.database.pool.query(
    'select notification_type from notifications where user_id = $1 order by notification_type',
    [userId],
  );
  return rows.map((row) => row.notification_type);
}

const signedUp = { event_type: 'signed_up', event_timestamp: '2025-11-20T11:00:00Z' };

test('a failed delivery triggers a rule, with the notification in its event', async () => {
  await tidings.pipeline.ingest(TENANT, [{ ...signedUp, user_id: 'unknown address' }]);
  await expect.poll(() => listTypes('unknown address'), { timeout: 10_000 }).toEqual(['UNREACHABLE', 'WELCOME']);
  const { rows } = await tidings.database.pool.query(
    `select properties from events where user_id = 'unknown address' and event_type = 'notification.failed'`,
  );
  expect(rows).toEqual([
    {
      properties: {
        notification_type: 'WELCOME',
        notification_id: expect.any(String),
        channel: 'email',
        reason: expect.stringContaining('No email address is known'),
        reason_code: 'missing_email',
      },
    },
  ]);
});

test('a delivery triggers a rule on its notification, and not on others', async () => {
  const traits = { user_traits: { email: 'ana@example.com' } };
  await tidings.pipeline.ingest(TENANT, [{ ...signedUp, ...traits, user_id: 'ana' }]);
  await expect.poll(() => listTypes('ana'), { timeout: 10_000 }).toEqual(['ARRIVED', 'WELCOME']);
  // The delivery of ARRIVED is an event as well; no rule triggers on it.
  const delivered = async () => {
    const { rows } = await tidings.database.pool.query(
      `select properties ->> 'notification_type' as type from events
       where user_id = 'ana' and event_type = 'notification.delivered' order by 1`,
    );
    return rows.map((row) => row.type);
  };
  await expect.poll(delivered, { timeout: 10_000 }).toEqual(['ARRIVED', 'WELCOME']);
  expect(await listTypes('ana')).toEqual(['ARRIVED', 'WELCOME']);
  const { rows } = await tidings.database.pool.query('select count(*)::int as left from outbox_events');
  expect(rows).toEqual([{ left: 0 }]);
});

test('a posted outcome triggers a rule, too', async () => {
  const event_timestamp = '2025-11-20T11:30:00Z';
  const about = (notification_type: string) => ({ notification_type, channel: 'email' });
  await tidings.pipeline.ingest(TENANT, [
    { user_id: 'eve', event_type: 'notification.opened', event_timestamp, properties: about('WELCOME') },
    { user_id: 'ivo', event_type: 'notification.opened', event_timestamp, properties: about('ARRIVED') },
  ]);
  expect([await listTypes('eve'), await listTypes('ivo')]).toEqual([['THANKS'], []]);
});
