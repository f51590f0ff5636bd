import { afterEach, beforeEach, expect, test } from 'vitest';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

let inbox: InboxTidings;
beforeEach(async () => {
  inbox = await inboxTidings();
});
afterEach(() => inbox.close());

const hasText = (text: string) => (data: { message: { text: string } }) => data.message.text === text;

test('a stream tells readers at every process what is new and what has changed, wherever it was changed', async () => {
  const second = await inbox.startServer();
  const readers = [await inbox.stream(inbox.server, 'ann'), await inbox.stream(second, 'ann')];
  const other = await inbox.stream(second, 'ben');
  for (const reader of [...readers, other]) await reader.until('counts');
  await inbox.tell('ann', 'one');
  for (const reader of readers) {
    await reader.until('item', hasText('one'));
    await reader.until('counts', ({ unread }) => unread === 1);
  }
  const [{ notification_id: id }] = (await inbox.list('ann')).items;
  await second.post(`/api/v1/users/ann/inbox/${id}/read`);
  for (const reader of readers) {
    await reader.until('item', ({ read_at }) => read_at !== null);
    await reader.until('counts', ({ unread, position }) => unread === 0 && position === 2);
  }
  expect(other.events.filter(({ event }) => event === 'item')).toEqual([]);
});

test('a reader that comes back to another process with Last-Event-ID gets each missed change once, in order', async () => {
  const second = await inbox.startServer();
  const reader = await inbox.stream(inbox.server, 'ann');
  await reader.until('counts');
  await inbox.tell('ann', 'one');
  const { id } = await reader.until('item');
  reader.close();
  await inbox.tell('ann', ...Array.from({ length: 60 }, (_, i) => `missed ${i}`));
  const back = await inbox.stream(second, 'ann', { 'last-event-id': id });
  await back.until('item', hasText('missed 59'));
  const texts = back.events.filter(({ event }) => event === 'item').map(({ data }) => data.message.text);
  expect(texts).toEqual(Array.from({ length: 60 }, (_, i) => `missed ${i}`));
});

test('a stream from the position of a list has what came after the list', async () => {
  await inbox.tell('ann', 'listed');
  const { counts } = await inbox.list('ann');
  await inbox.tell('ann', 'new');
  const reader = await inbox.stream(inbox.server, 'ann', {}, `?position=${counts.position}`);
  await reader.until('item', hasText('new'));
  expect(reader.events.some(({ data }) => data.message?.text === 'listed')).toBe(false);
});

test('all items marked at once, or a position that the inbox has not reached, tell the reader to list again', async () => {
  await inbox.tell('ann', 'one', 'two');
  const reader = await inbox.stream(inbox.server, 'ann');
  await reader.until('counts');
  await inbox.server.post('/api/v1/users/ann/inbox/read-all');
  await reader.until('reset');
  await reader.until('counts', ({ unread }) => unread === 0);
  const garbage = await inbox.stream(inbox.server, 'ann', { 'last-event-id': 'garbage' });
  await garbage.until('reset');
  const strange = await inbox.stream(inbox.server, 'ann', { 'last-event-id': '999' });
  await strange.until('reset');
});

test('an announcement that is lost costs the time until the next look at the database', async () => {
  const reader = await inbox.stream(inbox.server, 'ann');
  await reader.until('counts');
  const { pool } = inbox.tidings.database;
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
     and application_name = 'tidings wake-up' and query like 'listen tidings_inbox%'`,
  );
  await inbox.tell('ann', 'unheard');
  await reader.until('item', hasText('unheard'));
});

test('an inbox has at most 10 streams, and one that is closed makes room', async () => {
  const readers = [];
  for (let i = 0; i < 10; i++) readers.push(await inbox.stream(inbox.server, 'ann'));
  const rejected = await inbox.server.get('/api/v1/users/ann/inbox/stream');
  expect(rejected.status).toBe(429);
  expect(rejected.body.code).toBe('too_many_streams');
  expect(rejected.headers.get('retry-after')).toBe('30');
  expect((await inbox.stream(inbox.server, 'ben')).status).toBe(200);
  readers[0]?.close();
  for (let tries = 0; tries < 100; tries++) {
    const again = await inbox.stream(inbox.server, 'ann');
    if (again.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('a closed stream makes no room');
});

test('a server that stops says so to its readers, and does not wait for them', async () => {
  const server = await inbox.startServer();
  const reader = await inbox.stream(server, 'ann');
  await reader.until('counts');
  await server.close();
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'stopping' } });
});
