import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

/** One inbox, read and changed by several processes. */

let inbox: InboxTidings;
beforeEach(async () => {
  inbox = await inboxTidings();
});
afterEach(() => inbox.close());

const PATH = '/api/v1/users/ann/inbox';

test('a snoozed item comes back in its time, also at a process that started since', async () => {
  await inbox.tell('ann', 'later', 'now');
  const [, { notification_id: id }] = (await inbox.list('ann')).items;
  const until = new Date(inbox.tidings.clock.now + 3_600_000).toISOString();
  await inbox.act('ann', id, 'snooze', { until });
  const next = await inbox.startServer();
  expect((await next.get(PATH)).body).toMatchObject({ items: [{ message: { text: 'now' } }], counts: { unread: 1 } });
  // A reader has the time, and counts that leave it out until then.
  const reader = await inbox.stream(next, 'ann');
  await reader.until('counts', ({ unread }) => unread === 1);
  inbox.tidings.clock.now += 3_600_000;
  const { body } = await next.get(PATH);
  expect(body.items.map(({ message }: { message: { text: string } }) => message.text)).toEqual(['now', 'later']);
  expect(body.counts).toMatchObject({ unread: 2 });
  await inbox.tell('ann', 'new');
  await reader.until('counts', ({ unread }) => unread === 3);
});

test('all marked by several processes at once, while messages arrive: each is marked once, and what came later is unread', async () => {
  const servers = [inbox.server, await inbox.startServer(), await inbox.startServer()];
  await inbox.tell('ann', ...Array.from({ length: 20 }, (_, n) => `before ${n}`));
  const { position } = (await inbox.list('ann')).counts;
  const reader = await inbox.stream(servers[1]!, 'ann', {}, `?position=${position}`);
  const [answers] = await Promise.all([
    Promise.all(Array.from({ length: 12 }, (_, n) => servers[n % 3]!.post(`${PATH}/read-all`, { up_to: position }))),
    inbox.tell('ann', ...Array.from({ length: 5 }, (_, n) => `meanwhile ${n}`)),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.reduce((sum, { body }) => sum + body.marked, 0)).toBe(20);
  const { counts, items } = await inbox.list('ann');
  expect(counts).toMatchObject({ unread: 5, unseen: 5 });
  expect(new Set(items.map(({ sequence }: { sequence: number }) => sequence)).size).toBe(items.length);
  await reader.until('reset');
  await reader.until('counts', ({ unread, position: at }) => unread === 5 && at === counts.position);
});
