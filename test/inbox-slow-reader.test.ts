import { get, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

let inbox: InboxTidings;
beforeEach(async () => {
  inbox = await inboxTidings({ maxStreams: 3 });
});
afterEach(() => inbox.close());

test('a reader that pauses gets every item once it reads on, in order and once', async () => {
  const { counts } = await inbox.list('ann');
  const long = 'x'.repeat(50_000);
  const texts = Array.from({ length: 40 }, (_, n) => `${n} ${long}`);
  await inbox.tell('ann', ...texts);
  const url = `${inbox.server.url}/api/v1/users/ann/inbox/stream?position=${counts.position}`;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { agent: false }, resolve).on('error', reject);
  });
  response.pause();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  let text = '';
  response.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const numbers = () => [...text.matchAll(/"text":"(\d+) x+"/g)].map(([, n]) => Number(n));
  await expect.poll(() => numbers().length, { timeout: 8000 }).toBe(texts.length);
  expect(numbers()).toEqual(texts.map((_, n) => n));
  response.destroy();
});

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
