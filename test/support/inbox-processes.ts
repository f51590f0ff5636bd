import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { type TestDatabase, testDatabase } from './database.ts';
import { type Program, tidingsDirectly } from './program.ts';

/** Processes that put in-app messages into the inboxes of one database. */
export interface InboxProcesses {
  readonly database: TestDatabase;
  start(command: 'start' | 'api' | 'workers'): Promise<{ readonly program: Program; readonly url: string }>;
  /** Posts as many events, each of which makes one message for the user `ann`. */
  post(url: string, count: number): Promise<void>;
  /** Returns how many items the inbox has, how many of them are unread, and how many messages are in it more than once. */
  count(url: string): Promise<{ readonly items: number; readonly unread: number; readonly doubled: number }>;
  countByStatus(): Promise<{ [status: string]: number }>;
}

interface InboxAnswer {
  readonly items: readonly { readonly message: { readonly text: string } }[];
  readonly counts: { readonly unread: number };
}

const CATALOG = {
  'events.yaml': 'events: { noted: { properties: { n: number } } }',
  'notifications.yaml': 'notifications: { NOTED: { category: SYSTEM, channels: [in_app] } }',
  'rules.yaml': 'rules: { NOTED: { on: noted } }',
  'templates/NOTED/in_app.en.txt': 'note {{event.n}}',
};

/** Prepares the tests of a file: call it once, at its top. Processes are killed and databases dropped after each test. */
export function useInboxProcesses(leaseMs: number): () => Promise<InboxProcesses> {
  const cleanup: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of cleanup.splice(0).reverse()) await step();
  });
  return async () => {
    const database = await testDatabase();
    cleanup.push(() => database.drop());
    const folder = mkdtempSync(join(tmpdir(), 'inbox-processes-'));
    cleanup.push(async () => rmSync(folder, { recursive: true }));
    for (const [path, text] of Object.entries(CATALOG)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const env = {
      PORT: '0',
      DATABASE_URL: database.url,
      TIDINGS_CATALOG: folder,
      TIDINGS_DATA_DIR: folder,
      TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      TIDINGS_LEASE: `${leaseMs / 1000}s`,
      TIDINGS_POLL: '1s',
      TIDINGS_WATCH: 'false',
    };
    return {
      database,
      async start(command) {
        const program = tidingsDirectly([command, '--json'], { env });
        cleanup.push(async () => {
          program.killGroup('SIGKILL');
          await program.ended;
        });
        return { program, url: (await program.ready()).url ?? '' };
      },
      async post(url, count) {
        const events = Array.from({ length: count }, (_, n) => ({
          user_id: 'ann',
          event_type: 'noted',
          event_timestamp: new Date().toISOString(),
          properties: { n },
        }));
        const headers = { 'content-type': 'application/json' };
        const body = JSON.stringify(events);
        const response = await fetch(`${url}/api/v1/events`, { method: 'POST', headers, body });
        if (response.status !== 202) throw new Error(await response.text());
      },
      async count(url) {
        const response = await fetch(`${url}/api/v1/users/ann/inbox?limit=100`);
        const { items, counts } = (await response.json()) as InboxAnswer;
        const texts = items.map(({ message }) => message.text);
        return { items: texts.length, unread: counts.unread, doubled: texts.length - new Set(texts).size };
      },
      async countByStatus() {
        const { rows } = await database.pool.query('select status, count(*) as count from deliveries group by status');
        return Object.fromEntries(rows.map(({ status, count }) => [status, Number(count)]));
      },
    };
  };
}
