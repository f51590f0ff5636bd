import { afterEach, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { startAccounts, type TestAccounts } from './support/accounts.ts';
import { type StandIn, startStandIn } from './support/stand-ins/http-stand-in.ts';

/** A message of the channel chat, from the event to the place that the account of its tenant names. */

const CATALOG = new Map([
  ['events.yaml', 'events: { ordered: { properties: { order_id: string } } }'],
  ['notifications.yaml', 'notifications: { TEAM_ALERT: { category: OPERATIONAL, channels: [chat] } }'],
  ['rules.yaml', 'rules: { TEAM_ALERT: { on: ordered } }'],
  ['templates/TEAM_ALERT/chat.en.txt', 'Order {{event.order_id}}'],
]);

let accounts: TestAccounts | undefined;
let slack: StandIn | undefined;
afterEach(async () => {
  await accounts?.close();
  await slack?.stop();
});

test('a message of a user without an address arrives at the incoming webhook of the account', async () => {
  slack = await startStandIn({ body: 'ok' });
  accounts = await startAccounts();
  const { tidings, save, pool } = accounts;
  await tidings.apply(CATALOG);
  tidings.providers.set('chat', sandboxProvider(['chat']));
  const settings = {
    url: '{{url}}',
    chat_url: `${slack.url}/services/T0/B0/SECRET`,
    body: { text: '{{text}}' },
    success: { status: [200], body: 'ok' },
  };
  await save('slack', { provider: 'http', channels: ['chat'], settings });
  await tidings.worker({ accounts: pool });
  await tidings.ingest([
    {
      user_id: 'ann',
      event_type: 'ordered',
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { order_id: 'o7' },
    },
  ]);
  const find = async () =>
    (await tidings.database.pool.query('select status, provider, account from deliveries')).rows as unknown[];
  await expect.poll(find, { timeout: 10_000 }).toEqual([{ status: 'sent', provider: 'http', account: 'slack' }]);
  expect(slack.requests.map(({ path, body }) => [path, body])).toEqual([
    ['/services/T0/B0/SECRET', '{"text":"Order o7"}'],
  ]);
});
