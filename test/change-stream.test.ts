import { afterAll, beforeAll, expect, test } from 'vitest';
import { bearer, createKey, ROOT_KEY } from './support/api-keys.ts';
import type { TestServer } from './support/http.ts';
import { type EventReader, type InboxTidings, inboxTidings, readEvents } from './support/inbox.ts';
import { foldAll } from './support/metrics.ts';

/** The stream that says in which topics of a tenant something has changed. Each server is as one of another process. */

let app: InboxTidings;
let second: TestServer;
const root = bearer(ROOT_KEY);
const readers: EventReader[] = [];
let users = 0;

beforeAll(async () => {
  app = await inboxTidings({ apiKeys: [ROOT_KEY], heartbeat: 200, look: 40 });
  second = await app.startServer();
  const { status } = await app.server.post('/api/v1/tenants', { tenant_id: 'other', name: 'Other' }, root);
  expect(status).toBe(201);
});
afterAll(async () => {
  for (const reader of readers) reader.close();
  await app.close();
});

async function open(server: TestServer, headers: Record<string, string> = root, query = ''): Promise<EventReader> {
  const reader = await readEvents(`${server.url}/api/v1/stream${query}`, headers);
  readers.push(reader);
  return reader;
}

/** Posts an event, whose message is delivered. */
const happen = () => app.tell(`u${++users}`, 'hello');

const changes = ({ events }: EventReader): string[] =>
  events.filter(({ event }) => event === 'changed').flatMap(({ data }) => data.topics as string[]);
const tells = (topic: string) => (data: { topics: string[] }) => data.topics.includes(topic);

test('readers at every process learn in which topics something has changed, and nothing else', async () => {
  const [here, there] = [await open(app.server), await open(second)];
  for (const reader of [here, there]) await reader.until('ready');
  await happen();
  for (const reader of [here, there]) {
    await reader.until('changed', tells('events'));
    await reader.until('changed', tells('deliveries'));
    expect(changes(reader)).not.toContain('jobs');
    expect(reader.text()).not.toContain('hello');
  }
  await app.server.post('/api/v1/jobs', { action: 'deliveries.retry', filter: { status: ['dead'] } }, root);
  await there.until('changed', tells('jobs'));
  await app.server.post('/api/v1/events', [{ user_id: 'x', event_type: 'unheard_of' }], root);
  await here.until('changed', tells('rejected'));
});

test('a HEAD request opens no stream', async () => {
  for (const path of ['/api/v1/stream', '/api/v1/users/u1/inbox/stream'])
    expect((await fetch(`${app.server.url}${path}`, { method: 'HEAD', headers: root })).status).toBe(405);
});

test('numbers that are summed up change the metrics, and nothing else once more', async () => {
  const reader = await open(app.server, root, '?topics=events,metrics,jobs');
  await reader.until('ready');
  await happen();
  // Marks that are read together with this one have all of the message.
  await app.server.post('/api/v1/jobs', { action: 'deliveries.retry', filter: { status: ['dead'] } }, root);
  await reader.until('changed', tells('jobs'));
  const before = (await open(app.server, root, '?topics=events')).until('ready');
  const { id } = await before;
  await foldAll(app.tidings.pool, app.tidings.clock.now);
  await reader.until('changed', tells('metrics'));
  const after = await (await open(second, root, '?topics=events')).until('ready');
  expect(after.id).toBe(id);
});

test('who comes back to another process with Last-Event-ID learns what has changed meanwhile', async () => {
  const reader = await open(app.server);
  const { id } = await reader.until('ready');
  reader.close();
  await happen();
  const back = await open(second, { ...root, 'last-event-id': id });
  await back.until('changed', tells('deliveries'));
  expect(changes(back)).not.toContain('jobs');
  const strange = await open(second, { ...root, 'last-event-id': 'of another server' });
  await strange.until('changed', tells('jobs'));
});

test('a stream tells nothing of another tenant, and only topics that its reader may read', async () => {
  const foreign = await open(app.server, { ...root, 'x-tidings-tenant': 'other' });
  const { key } = await createKey(app.server, { scopes: ['deliveries:read', 'jobs:read'] });
  const narrow = await open(app.server, bearer(key));
  const { data } = await narrow.until('ready');
  expect(data.topics).toEqual(['deliveries', 'dead_letters', 'metrics', 'problems', 'jobs']);
  await foreign.until('ready');
  await happen();
  await narrow.until('changed', tells('deliveries'));
  expect(changes(foreign)).toEqual([]);
  const rejected = await app.server.get('/api/v1/stream?topics=deliveries,waits', bearer(key));
  expect([rejected.status, rejected.body.code]).toEqual([403, 'forbidden']);
  const unknown = await app.server.get('/api/v1/stream?topics=weather', bearer(key));
  expect([unknown.status, unknown.body.code]).toEqual([400, 'invalid_request']);
});

test('a stream ends when its key is revoked', async () => {
  const { key, key_id: id } = await createKey(app.server, { scopes: ['deliveries:read'] });
  const reader = await open(app.server, bearer(key));
  await reader.until('ready');
  await app.server.send('DELETE', `/api/v1/keys/${id}`, undefined, root);
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'unauthorized' } });
});

test('a caller has at most 20 streams, and one that is closed makes room', async () => {
  const { key } = await createKey(app.server, { scopes: ['deliveries:read'] });
  const own: EventReader[] = [];
  for (let i = 0; i < 20; i++) own.push(await open(app.server, bearer(key)));
  const rejected = await app.server.get('/api/v1/stream', bearer(key));
  expect([rejected.status, rejected.body.code, rejected.headers.get('retry-after')]).toEqual([
    429,
    'too_many_streams',
    '30',
  ]);
  own[0]?.close();
  await expect.poll(async () => (await open(app.server, bearer(key))).status).toBe(200);
  for (const reader of own) reader.close();
});

test('a server that stops says so, and does not wait for its readers', async () => {
  const server = await app.startServer();
  const reader = await open(server);
  await reader.until('ready');
  await server.close();
  await reader.ended;
  expect(reader.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'stopping' } });
});
