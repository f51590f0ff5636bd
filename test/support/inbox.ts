import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { inboxProvider } from '../../src/channels/in-app/inbox.ts';
import { keepInInbox } from '../../src/delivery/keep-in-inbox.ts';
import { InboxSignals } from '../../src/store/inbox/inbox-signals.ts';
import { type Answer, type TestServer, testServer } from './http.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** In-app messages from their event to the inbox, over HTTP. Each server is as one of another process: they share the database only. */
export interface InboxTidings {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  readonly provider: ReturnType<typeof inboxProvider>;
  /** Starts a further server. */
  startServer(port?: number): Promise<TestServer>;
  /** Sends in-app messages to a user, and waits until they are delivered. */
  tell(userId: string, ...texts: string[]): Promise<void>;
  list(userId: string, query?: string): Promise<Answer['body']>;
  act(userId: string, id: string, action: string, body?: object): ReturnType<TestServer['post']>;
  /** Opens a stream of a user; null: of the user of the token among the headers. */
  stream(
    server: TestServer,
    userId: string | null,
    headers?: Record<string, string>,
    query?: string,
  ): Promise<EventReader>;
  close(): Promise<void>;
}

export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever an event holds; tests look into it
  readonly data: any;
}

export interface EventReader {
  readonly status: number;
  readonly events: ServerEvent[];
  /** The text as it came. */
  text(): string;
  /** Resolves when an event of this kind came for which this is true; fails after 5 s. */
  until(event: string, isWanted?: (data: ServerEvent['data']) => boolean): Promise<ServerEvent>;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  close(): void;
}

const CATALOG = new Map([
  ['events.yaml', 'events: { noted: { properties: { text: string } } }'],
  ['notifications.yaml', 'notifications: { NOTED: { category: SYSTEM, channels: [in_app] } }'],
  ['rules.yaml', 'rules: { NOTED: { on: noted } }'],
  ['templates/NOTED/in_app.en.txt', '{{event.text}}'],
]);

/** @param options keys that callers need (default: none), and bounds of the streams of each server */
export async function inboxTidings(
  options: {
    readonly apiKeys?: readonly string[];
    readonly heartbeat?: number;
    readonly look?: number;
    readonly maxStreams?: number;
    readonly allowedOrigins?: readonly string[];
    /** Further files of the catalog, or others of the same names. */
    readonly files?: { readonly [file: string]: string };
  } = {},
): Promise<InboxTidings> {
  const { apiKeys = [], allowedOrigins = [], files = {}, ...streams } = options;
  const provider = inboxProvider(async (outgoing, mayStore) => store(outgoing, mayStore));
  const tidings = await testTidings({ in_app: provider }, new Map([...CATALOG, ...Object.entries(files)]));
  const { pool } = tidings.database;
  const store = keepInInbox(pool, tidings.seal, () => tidings.clock.now, new InboxSignals(pool));
  const servers: TestServer[] = [];
  const readers: EventReader[] = [];
  const startServer = async (port = 0) => {
    const made = await testServer(tidings, { perMinute: 1_000_000, apiKeys, streams, allowedOrigins, port });
    servers.push(made);
    return made;
  };
  const server = await startServer();
  await tidings.worker();
  const pathOf = (userId: string) => `/api/v1/users/${encodeURIComponent(userId)}/inbox`;
  return {
    tidings,
    server,
    provider,
    startServer,
    async tell(userId, ...texts) {
      for (const text of texts) {
        tidings.clock.now += 1000;
        const event_timestamp = new Date(tidings.clock.now).toISOString();
        await tidings.ingest([{ user_id: userId, event_type: 'noted', event_timestamp, properties: { text } }]);
        for (let tries = 0; ; tries++) {
          const { rows } = await pool.query('select from deliveries where finished_at is null limit 1');
          if (rows.length === 0) break;
          if (tries > 500) throw new Error('the message is not delivered');
          await sleep(10);
        }
      }
    },
    list: async (userId, query = '') => (await server.get(pathOf(userId) + query)).body,
    act: (userId, id, action, body) => server.post(`${pathOf(userId)}/${id}/${action}`, body),
    async stream(of, userId, headers = {}, query = '') {
      const path = userId === null ? '/api/v1/me/inbox' : pathOf(userId);
      const reader = await readEvents(`${of.url}${path}/stream${query}`, headers);
      readers.push(reader);
      return reader;
    },
    async close() {
      for (const reader of readers) reader.close();
      // One may be closed already.
      for (const one of servers) await one.close().catch(() => {});
      await tidings.close();
    },
  };
}

export { TENANT };

/** Reads over a connection of its own: a pool would open another one when this one is closed, and the server would wait for it. */
export async function readEvents(url: string, headers: Record<string, string>): Promise<EventReader> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).on('error', reject);
  });
  const events: ServerEvent[] = [];
  let text = '';
  const read = async () => {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      const part = decoder.decode(chunk, { stream: true });
      text += part;
      rest += part;
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
        if (fields.event) events.push({ id: fields.id ?? '', event: fields.event, data: JSON.parse(fields.data) });
      }
    }
  };
  const ended = read().catch(() => {});
  return {
    status: response.statusCode ?? 0,
    events,
    text: () => text,
    ended,
    async until(event, isWanted = () => true) {
      for (let tries = 0; tries < 500; tries++) {
        const found = events.find((one) => one.event === event && isWanted(one.data));
        if (found) return found;
        await sleep(10);
      }
      throw new Error(`no event ${event} came: ${text}`);
    },
    close: () => void response.destroy(),
  };
}
