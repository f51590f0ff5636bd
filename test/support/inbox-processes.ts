import { type CatalogProcesses, countByStatus, useCatalogProcesses } from './catalog-processes.ts';
import type { Program } from './program.ts';

/** Processes that put in-app messages into the inboxes of one database. */
export interface InboxProcesses extends Pick<CatalogProcesses, 'database'> {
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
  const startProcesses = useCatalogProcesses();
  return async () => {
    const { database, start } = await startProcesses({ catalog: Object.entries(CATALOG), leaseMs });
    return {
      database,
      async start(command) {
        const { program, url } = await start(command);
        return { program, url: url ?? '' };
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
      countByStatus: () => countByStatus(database),
    };
  };
}
