import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { type TestDatabase, testDatabase } from './database.ts';
import { type Program, tidings } from './program.ts';

/** A program with little heap, spoken to over HTTP. */
export interface SmallHeap {
  readonly database: TestDatabase;
  readonly program: Program;
  post(events: readonly object[]): Promise<{ readonly status: number; readonly body: PostedResults }>;
  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes; tests look into them
  get(path: string): Promise<{ readonly status: number; readonly body: any }>;
  /** Runs a command with as little heap; returns the JSON that it prints. */
  run(args: readonly string[]): Promise<unknown>;
  /** Returns the decisions of a rule about a user, newest first. */
  decisions(userId: string, rule: string): Promise<ShownDecision[]>;
}

interface PostedResults {
  readonly results: readonly { readonly status: string }[];
}

export interface ShownDecision {
  readonly rule: string;
  readonly outcome: string;
  readonly reason_code: string;
  // biome-ignore lint/suspicious/noExplicitAny: evidence has many shapes; tests look into it
  readonly evidence: any;
}

/**
 * Prepares the tests of a file: call it once, at its top. Programs are killed and databases dropped after each test.
 * @returns starts a program. `catalog`: a folder, or its files by path
 */
export function useSmallHeap(): (
  heapMb: number,
  catalog: string | { readonly [path: string]: string },
) => Promise<SmallHeap> {
  const cleanup: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of cleanup.splice(0).reverse()) await step();
  });
  return async (heapMb, catalog) => {
    const database = await testDatabase();
    cleanup.push(() => database.drop());
    const folder = mkdtempSync(join(tmpdir(), 'tidings-heap-'));
    cleanup.push(async () => rmSync(folder, { recursive: true, force: true }));
    if (typeof catalog !== 'string') {
      for (const [path, text] of Object.entries(catalog)) {
        mkdirSync(dirname(join(folder, 'catalog', path)), { recursive: true });
        writeFileSync(join(folder, 'catalog', path), text);
      }
    }
    const start = (args: readonly string[]) => {
      const program = tidings(args, {
        command: [process.execPath, `--max-old-space-size=${heapMb}`],
        env: {
          DATABASE_URL: database.url,
          PORT: '0',
          TIDINGS_CATALOG: typeof catalog === 'string' ? catalog : join(folder, 'catalog'),
          TIDINGS_DATA_DIR: folder,
          TIDINGS_WATCH: 'false',
        },
      });
      cleanup.push(async () => {
        program.killGroup('SIGKILL');
        await program.ended;
      });
      return program;
    };
    const program = start(['start', '--json']);
    const { url } = await program.ready(60_000);
    const get = async (path: string) => {
      const response = await fetch(`${url}${path}`);
      // biome-ignore lint/suspicious/noExplicitAny: see SmallHeap
      return { status: response.status, body: (await response.json()) as any };
    };
    return {
      database,
      program,
      async run(args) {
        const command = start(args);
        if ((await command.ended) !== 0) throw new Error(command.output);
        return JSON.parse(command.stdout);
      },
      get,
      async post(events) {
        const response = await fetch(`${url}/api/v1/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(events),
        });
        return { status: response.status, body: (await response.json()) as PostedResults };
      },
      async decisions(userId, rule) {
        const found: ShownDecision[] = [];
        for (let before = ''; ; ) {
          const { status, body } = await get(`/api/v1/audit/${userId}?limit=100${before}`);
          if (status !== 200) throw new Error(JSON.stringify(body));
          found.push(...body.decisions.filter((decision: ShownDecision) => decision.rule === rule));
          if (body.next === null) return found;
          before = `&after=${encodeURIComponent(body.next)}`;
        }
      },
    };
  };
}

/** Characters of the large event of the tests. */
const LARGE_CHARS = 297_000;

/** Returns a text of 297,000 characters that does not compress. */
export function largeText(seed: number): string {
  let text = '';
  for (let n = seed + 1; text.length < LARGE_CHARS; n = (n * 48_271) % 2_147_483_647) text += n.toString(36);
  return text.slice(0, LARGE_CHARS);
}

/** Posts large events of one user, a few in each request, a second apart, the last of them at `until`. */
export async function postLarge(
  { post }: SmallHeap,
  count: number,
  until: number,
  event: { readonly user_id: string; readonly event_type: string },
  properties: (n: number) => object,
): Promise<void> {
  const all = Array.from({ length: count }, (_, n) => ({
    ...event,
    event_id: `${event.event_type} ${n}`,
    event_timestamp: new Date(until - (count - 1 - n) * 1000).toISOString(),
    properties: { ...properties(n), blob: largeText(n) },
  }));
  for (let from = 0; from < all.length; from += 10) {
    const { status, body } = await post(all.slice(from, from + 10));
    const isRejected = status !== 202 || body.results.some((result) => result.status !== 'accepted');
    if (isRejected) throw new Error(JSON.stringify(body).slice(0, 1000));
  }
}

/** Returns a catalog of large events with these rules, and templates of the notification N. */
export const filesOfLarge = (rules: string, templates: { readonly [path: string]: string }) => ({
  'events.yaml': 'events: { large: {}, bulky: {}, small: {}, other: {} }\n',
  'notifications.yaml': 'notifications:\n  N: { category: SYSTEM, channels: [internal] }\n',
  'rules.yaml': `rules:\n${rules}`,
  ...Object.fromEntries(Object.entries(templates).map(([path, text]) => [`templates/N/${path}`, text])),
});

/** A small event. */
export const smallEvent = (userId: string, type: string, at: number, properties: object = {}) => ({
  user_id: userId,
  event_type: type,
  event_timestamp: new Date(at).toISOString(),
  properties,
});

/** Posts an event, which must be accepted. */
export async function expectAccepted({ post }: SmallHeap, event: object): Promise<void> {
  const { status, body } = await post([event]);
  expect([status, body.results.map((result) => result.status)]).toEqual([202, ['accepted']]);
}

/** Makes open waits of a user due now. */
export async function makeDue({ database }: SmallHeap, userId: string): Promise<void> {
  await database.pool.query(`update waits set due_at = now() where status = 'waiting' and user_id = $1`, [userId]);
}

/** Waits until a user has so many messages, and returns their texts. */
export async function waitForTexts(
  { get, database, program }: SmallHeap,
  userId: string,
  count: number,
): Promise<string[]> {
  for (let tries = 0; tries < 600; tries++) {
    const { rows } = await database.pool.query(
      `select notification_id || '.' || channel as id from deliveries
       where user_id = $1 and status in ('sent', 'sandboxed') order by notification_id`,
      [userId],
    );
    if (rows.length === count) {
      const texts: string[] = [];
      for (const { id } of rows) {
        const { text } = (await get(`/api/v1/deliveries/${id}/message`)).body;
        texts.push(text.replace(/ +/g, ' ').trim());
      }
      return texts;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { rows: states } = await database.pool.query(
    'select status, reason, count(*) from deliveries group by 1, 2 union all select status, null, count(*) from waits group by 1',
  );
  throw new Error(`there are not ${count} messages, but ${JSON.stringify(states)}: ${program.output.slice(-3000)}`);
}
