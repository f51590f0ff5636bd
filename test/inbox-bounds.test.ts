import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

let inbox: InboxTidings;
beforeEach(async () => {
  inbox = await inboxTidings({ maxStreams: 3 });
});
afterEach(() => inbox.close());

test('a process has a bound of streams, and says so', async () => {
  for (const user of ['a', 'b', 'c']) expect((await inbox.stream(inbox.server, user)).status).toBe(200);
  const { status, body, headers } = await inbox.server.get('/api/v1/users/d/inbox/stream');
  expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'too_many_streams', '30']);
});

test('counts are right after many changes of the same items at the same time', async () => {
  await inbox.tell('ann', ...Array.from({ length: 12 }, (_, n) => `note ${n}`));
  const { items } = await inbox.list('ann');
  const actions = ['read', 'unread', 'seen', 'archive', 'unarchive'];
  const changes = items.flatMap(({ notification_id: id }: { notification_id: string }, n: number) =>
    actions.map((_, k) => inbox.act('ann', id, actions[(n * 7 + k * 3) % actions.length] as string)),
  );
  for (const { status } of await Promise.all(changes)) expect(status).toBe(200);
  const after = await inbox.list('ann', '?view=all');
  const active = after.items.filter(({ archived_at }: { archived_at: unknown }) => archived_at === null);
  const count = (field: string) => active.filter((item: { [name: string]: unknown }) => item[field] === null).length;
  expect(after.counts).toMatchObject({ unread: count('read_at'), unseen: count('seen_at') });
});
