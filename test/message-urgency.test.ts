import { afterEach, expect, test } from 'vitest';
import type { Outgoing, Provider } from '../src/channels/provider.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** Priority and expiry of a type as a provider learns them: it chooses its speed by them, and drops what is too late. */

const CATALOG = new Map([
  ['events.yaml', 'events: { happened: {} }'],
  [
    'notifications.yaml',
    `notifications:
  PAGE: { category: SECURITY, channels: [email], expires_after: 1h }
  RECEIPT: { category: TRANSACTIONAL, channels: [email] }
  NEWS: { category: OPERATIONAL, channels: [email] }
`,
  ],
  ['rules.yaml', 'rules: { PAGE: { on: happened }, RECEIPT: { on: happened }, NEWS: { on: happened } }'],
  ...['PAGE', 'RECEIPT', 'NEWS'].flatMap((type): [string, string][] => [
    [`templates/${type}/email.en.subject.txt`, 'Subject'],
    [`templates/${type}/email.en.html`, '<p>Text</p>'],
  ]),
]);

let tidings: TestTidings | undefined;
afterEach(() => tidings?.close());

test('a provider learns whether a message is urgent, and when it loses its use', async () => {
  const sent = new Map<string, Outgoing>();
  const provider: Provider = {
    name: 'test',
    channels: ['email'],
    concurrency: 5,
    keepsMessage: false,
    send: async (outgoing) => {
      sent.set(outgoing.notificationType, outgoing);
      return { kind: 'sent' };
    },
    close: async () => {},
  };
  tidings = await testTidings({ email: provider }, CATALOG);
  const { now } = tidings.clock;
  await tidings.ingest([
    {
      user_id: 'ann',
      event_type: 'happened',
      event_timestamp: new Date(now).toISOString(),
      user_traits: { email: 'ann@example.com' },
    },
  ]);
  await tidings.worker();
  await expect.poll(() => sent.size, { timeout: 10_000 }).toBe(3);
  expect(sent.get('PAGE')).toMatchObject({ isUrgent: true, expiresAt: now + 3_600_000 });
  expect(sent.get('RECEIPT')).toMatchObject({ isUrgent: true });
  expect(sent.get('NEWS')).toMatchObject({ isUrgent: false });
  expect(sent.get('NEWS')).not.toHaveProperty('expiresAt');
});
