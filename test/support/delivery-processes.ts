import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { type TestDatabase, testDatabase } from './database.ts';
import { deliveryCatalog, eventOf } from './deliveries.ts';
import type { MailSink } from './mailsink.ts';
import { type Program, tidingsDirectly } from './program.ts';

/** Processes that deliver the emails of one database to one mail server. */
export interface DeliveryProcesses {
  readonly database: TestDatabase;
  /** Starts a process that is ready. @param databaseUrl default: straight to the database. @param variables further ones */
  start(
    command: 'start' | 'api' | 'workers',
    databaseUrl?: string,
    variables?: { readonly [name: string]: string },
  ): Promise<{ program: Program; url: string | null }>;
  /** Posts as many events, one for each user, whose emails are of a type that resends or holds. */
  postEmails(url: string | null, type: 'mail' | 'held', count: number): Promise<void>;
  /** Counts the deliveries of each status. */
  countByStatus(): Promise<{ [status: string]: number }>;
  /** Returns the IDs of the deliveries with an attempt that is, or was, in doubt. */
  inDoubt(): Promise<string[]>;
}

/** Prepares the tests of a file: call it once, at its top. Processes are killed and databases dropped after each test. */
export function useDeliveryProcesses(): (sink: MailSink, leaseMs: number) => Promise<DeliveryProcesses> {
  const cleanup: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const step of cleanup.splice(0).reverse()) await step();
  });
  return async (sink, leaseMs) => {
    const database = await testDatabase();
    cleanup.push(() => database.drop());
    const folder = writeCatalog();
    cleanup.push(async () => rmSync(folder, { recursive: true }));
    const env = {
      PORT: '0',
      SMTP_URL: sink.url,
      TIDINGS_CATALOG: folder,
      TIDINGS_DATA_DIR: folder,
      TIDINGS_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      TIDINGS_LEASE: `${leaseMs / 1000}s`,
      TIDINGS_POLL: '1s',
      TIDINGS_WATCH: 'false',
    };
    const { pool } = database;
    return {
      database,
      async start(command, databaseUrl = database.url, variables = {}) {
        const program = tidingsDirectly([command, '--json'], {
          env: { ...env, ...variables, DATABASE_URL: databaseUrl },
        });
        cleanup.push(async () => {
          program.killGroup('SIGKILL');
          await program.ended;
        });
        return { program, url: (await program.ready()).url };
      },
      async postEmails(url, type, count) {
        const events = Array.from({ length: count }, (_, n) =>
          eventOf(type, { n, user: `user ${n}`, traits: { email: `user${n}@example.com` } }),
        );
        const response = await fetch(`${url}/api/v1/events`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(events),
        });
        if (response.status !== 202) throw new Error(await response.text());
      },
      async countByStatus() {
        const { rows } = await pool.query('select status, count(*) as count from deliveries group by status');
        return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
      },
      async inDoubt() {
        const { rows } = await pool.query(
          `select notification_id || '.' || channel as id from attempts
           where outcome = 'in_doubt' or reason like '%it was in doubt until%'`,
        );
        return rows.map(({ id }) => id);
      },
    };
  };
}

function writeCatalog(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-deliveries-'));
  for (const [file, text] of deliveryCatalog()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}
