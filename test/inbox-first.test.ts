import { afterAll, beforeAll, expect, test } from 'vitest';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

/** The inbox as the first of channels that are tried one after the other. */

const type = (until: string) =>
  `{ category: SYSTEM, channels: { first_of: [in_app, internal], wait: 1h, until: ${until} } }`;

let inbox: InboxTidings;
beforeAll(async () => {
  inbox = await inboxTidings({
    files: {
      'events.yaml': 'events: { noted: { properties: { text: string } }, stored: {}, opened: {} }',
      'notifications.yaml': `notifications: { NOTED: { category: SYSTEM, channels: [in_app] }, STORED: ${type('delivered')}, OPENED: ${type('opened')} }`,
      'rules.yaml': 'rules: { NOTED: { on: noted }, STORED: { on: stored }, OPENED: { on: opened } }',
      ...Object.fromEntries(
        ['STORED', 'OPENED'].flatMap((name) => [
          [`templates/${name}/in_app.en.txt`, 'Hello'],
          [`templates/${name}/internal.en.txt`, 'Hello'],
        ]),
      ),
    },
  });
  await inbox.tidings.worker();
});
afterAll(() => inbox.close());

async function post(userId: string, event: string): Promise<string> {
  const at = new Date(inbox.tidings.clock.now).toISOString();
  await inbox.tidings.ingest([{ user_id: userId, event_type: event, event_timestamp: at, properties: {} }]);
  await expect.poll(async () => (await inbox.list(userId)).items.length, { timeout: 10_000 }).toBe(1);
  return (await inbox.list(userId)).items[0].notification_id;
}

async function stateOfNext(notificationId: string): Promise<string[]> {
  const { rows } = await inbox.tidings.database.pool.query(
    `select status, reason_code from deliveries where notification_id = $1 and channel = 'internal'`,
    [notificationId],
  );
  return rows.map(({ status, reason_code: code }) => [status, code].join(' '));
}

test('what is in the inbox is delivered: no other channel follows', async () => {
  const id = await post('u1', 'stored');
  await expect.poll(() => stateOfNext(id)).toEqual(['cancelled reached']);
});

test.each(['read', 'seen', 'archive', 'snooze', 'all'])(
  'an item that its user has opened (%s) needs no other channel',
  async (how) => {
    const user = `opener ${how}`;
    const id = await post(user, 'opened');
    expect(await stateOfNext(id)).toEqual(['queued ']);
    if (how === 'all') await inbox.server.post(`/api/v1/users/${encodeURIComponent(user)}/inbox/seen-all`);
    else {
      const until = new Date(inbox.tidings.clock.now + 60_000).toISOString();
      await inbox.act(user, id, how, how === 'snooze' ? { until } : undefined);
    }
    expect(await stateOfNext(id)).toEqual(['cancelled reached']);
  },
);
