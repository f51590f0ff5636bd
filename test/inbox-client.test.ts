import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { ensureElements } from '../scripts/install.mjs';
import { type InboxTidings, inboxTidings } from './support/inbox.ts';

/** The client of the inbox without a browser: in Node.js, as in React Native, there are no locks, no channels and no DOM. */

// biome-ignore lint/suspicious/noExplicitAny: the built script, as a page loads it, has no types
let InboxClient: any;

beforeAll(async () => {
  await ensureElements();
  const script = join(import.meta.dirname, '..', 'packages', 'inbox', 'dist', 'client.js');
  ({ InboxClient } = await import(pathToFileURL(script).href));
});

async function withInbox(work: (inbox: InboxTidings, getToken: () => Promise<string>) => Promise<void>): Promise<void> {
  const inbox = await inboxTidings();
  try {
    await work(inbox, async () => (await inbox.server.post('/api/v1/users/ann/tokens', {})).body.token);
  } finally {
    await inbox.close();
  }
}

test('a client lists, counts as the server does, changes, and receives what comes', () =>
  withInbox(async (inbox, getToken) => {
    await inbox.tell('ann', 'one', 'two', 'three');
    const client = new InboxClient({ api: inbox.server.url, getToken });
    const list = client.list({}, 2);
    const arrived: string[] = [];
    client.on('arrival', ({ message }: { message: { text: string } }) => arrived.push(message.text));
    await client.start();
    await list.loadMore();
    expect([list.state.items.length, list.state.hasMore]).toEqual([2, true]);
    await list.loadMore();
    expect(list.state.items.map(({ sequence }: { sequence: number }) => sequence)).toEqual([3, 2, 1]);
    expect(client.counts).toMatchObject({ unread: 3, unseen: 3 });
    const changed = client.act(list.state.items[0], 'read');
    // At once in the list; in the counts when the server has counted.
    expect([list.state.items[0].read_at !== null, client.counts.unread]).toEqual([true, 3]);
    await changed;
    await expect.poll(() => client.counts.unread).toBe(2);
    await expect.poll(() => client.state).toBe('live');
    await inbox.tell('ann', 'four');
    await expect.poll(() => list.state.items[0].message.text).toBe('four');
    expect([arrived, client.counts.unread]).toEqual([['four'], 3]);
    const gone = client.act({ notification_id: '01999f3e-5c1a-7c3e-8f52-9d1a6b7c8d9e' }, 'archive');
    await expect(gone).rejects.toMatchObject({
      name: 'InboxProblem',
      code: 'not_found',
      status: 404,
      isTemporary: false,
    });
    client.stop();
    expect(client.state).toBe('stopped');
  }));

test('what has a time keeps its first when it is changed again, also before the server answers', () =>
  withInbox(async (inbox, getToken) => {
    await inbox.tell('ann', 'one');
    const client = new InboxClient({ api: inbox.server.url, getToken });
    const list = client.list({});
    await list.loadMore();
    const { read_at: readAt, seen_at: seenAt } = await client.act(list.state.items[0], 'read');
    const item = () => list.state.items[0];
    const changes = ['seen', 'read'].map((action) => client.act(item(), action));
    expect(item()).toMatchObject({ read_at: readAt, seen_at: seenAt });
    await Promise.all(changes);
    expect(item()).toMatchObject({ read_at: readAt, seen_at: seenAt });
    // A time that was taken back is set anew.
    const anew = [client.act(item(), 'unread'), client.act(item(), 'read')];
    expect([item().read_at === readAt, item().seen_at]).toEqual([false, seenAt]);
    await Promise.all(anew);
    client.stop();
  }));

test('requests at the same time share one token, and one that is no longer admitted is replaced', () =>
  withInbox(async (inbox, getToken) => {
    let fetched = 0;
    const client = new InboxClient({
      api: inbox.server.url,
      getToken: async () => {
        fetched++;
        return fetched === 1 ? 'not.a.token' : getToken();
      },
    });
    await Promise.all([client.list().loadMore(), client.list().loadMore(), client.mark('seen')]);
    expect(fetched).toBe(2);
    const failing = new InboxClient({ api: inbox.server.url, getToken: () => Promise.reject(new Error('logged out')) });
    const list = failing.list();
    await list.loadMore();
    expect(list.state.problem).toMatchObject({ code: 'no_token', message: 'logged out' });
  }));

test('where responses cannot be streamed, the inbox is polled, and finds what is new', () =>
  withInbox(async (inbox, getToken) => {
    await inbox.tell('ann', 'before');
    let streams = 0;
    const client = new InboxClient({
      api: inbox.server.url,
      getToken,
      fetch: async (url: string, init: RequestInit) => {
        if (!url.includes('/stream')) return fetch(url, init);
        streams++;
        // As React Native answers: without a body that can be read.
        return { ok: true, status: 200, headers: new Headers(), body: null };
      },
    });
    const list = client.list();
    const arrived: string[] = [];
    client.on('arrival', ({ message }: { message: { text: string } }) => arrived.push(message.text));
    await client.start();
    await list.loadMore();
    await inbox.tell('ann', 'while polling');
    await expect.poll(() => client.state, { timeout: 30_000 }).toBe('polling');
    await expect.poll(() => list.state.items[0].message.text, { timeout: 30_000 }).toBe('while polling');
    expect([arrived, client.counts.unread, streams]).toEqual([['while polling'], 2, 3]);
    client.stop();
  }));
