import pino, { type Logger } from 'pino';
import type { CatalogFiles } from '../../src/catalog/catalog-files.ts';
import { smtpProvider } from '../../src/channels/email/smtp.ts';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { nameProviders } from '../../src/delivery/account-states.ts';
import { Health } from '../../src/health/health.ts';
import { buildServer } from '../../src/http/server.ts';
import { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { CHANNELS } from '../../src/model/delivery.ts';
import { serializeError } from '../../src/privacy/log-serializers.ts';
import { Seal } from '../../src/privacy/seal.ts';
import { runBacktest } from '../../src/simulate/backtest/run-backtest.ts';
import { checkEncryptionKey } from '../../src/store/metadata.ts';
import { type MailSink, mailSink } from './mailsink.ts';
import { type RawAnswer, raw } from './raw.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Everything of one process, from HTTP to a mail server, on a private database and a clock of its own. */
export interface WholeTidings {
  readonly tidings: TestTidings;
  readonly sink: MailSink;
  /** Tables with data that could not be opened, each as often as it happened. */
  readonly unreadable: readonly string[];
  /** Every line of the log, at all levels. */
  readonly log: readonly string[];
  get(path: string): Promise<RawAnswer>;
  /** Posts one event of the user `u1` a millisecond after the one before. Returns its decisions. */
  post(type: string, properties?: object, traits?: object, envelope?: object): Promise<PostedDecision[]>;
  /** Moves the clock, fires what is due, and waits until nothing is left to send. */
  pass(ms: number): Promise<void>;
  /** Messages of a notification type as the API shows them, oldest first. */
  messages(type: string): Promise<ShownMessage[]>;
  /** Repeats all decisions, with the key of the process. Returns how many there are and how many differ. */
  reproduce(): Promise<{ readonly decisions: number; readonly different: number }>;
  /** Searches all rows of all tables as text, except the catalogs. Returns each match with its table. */
  search(wanted: RegExp): Promise<string[]>;
  close(): Promise<void>;
}

export interface PostedDecision {
  readonly rule: string;
  readonly outcome: string;
  readonly reason_code: string;
  readonly reason: string;
  // biome-ignore lint/suspicious/noExplicitAny: evidence has many shapes; tests look into it
  readonly evidence: any;
}

export interface ShownMessage {
  readonly to: string | null;
  readonly subject: string | null;
  readonly text: string;
  readonly html: string | null;
}

const HOURS = 3_600_000;

/**
 * @param rules the content of rules.yaml below `rules:`; every rule whose name starts with MAIL sends by email, others in app
 * @param templates parts by their path in the catalog; a type without one has the text `x`
 */
export async function wholeTidings(
  rules: string,
  templates: { readonly [path: string]: string } = {},
): Promise<WholeTidings> {
  const log: string[] = [];
  const logger: Logger = pino(
    { level: 'trace', serializers: { err: serializeError } },
    { write: (line: string) => void log.push(line) },
  );
  const sink = await mailSink(undefined, { keep: true });
  const smtp = smtpProvider({ url: sink.url, from: 'tidings@example.org' });
  const sandbox = sandboxProvider(CHANNELS);
  const providers = { email: smtp, in_app: sandbox, sms: sandbox, internal: sandbox };
  const tidings = await testTidings(providers, catalogOf(rules, templates), logger);
  const { pipeline, database, clock, catalogs, seal } = tidings;
  const unreadable: string[] = [];
  Object.assign(seal, { onUnreadable: (table: string) => unreadable.push(table) });
  const { pool } = database;
  const server = await buildServer({
    pipeline,
    database: database.tenants,
    catalogs,
    seal,
    clock: () => clock.now,
    apiKeys: [],
    publicUrl: null,
    oidc: null,
    outbound: new GuardedClient(),
    installation: nameProviders(tidings.providers),
    log: logger,
    consoleDir: '/nowhere',
    state: { stopping: false },
    health: new Health({ checks: [], clock: () => clock.now, state: { stopping: false } }),
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  await tidings.timers();
  await tidings.worker();
  const started = clock.now;
  const get = (path: string) => raw(url, { path });
  const isIdle = async () => {
    const { rows } = await pool.query(
      `select (select count(*) from deliveries where finished_at is null and due_at <= $1)
            + (select count(*) from waits where status = 'waiting' and due_at <= $1)
            + (select count(*) from outbox_events) as open`,
      [new Date(clock.now)],
    );
    return Number(rows[0]?.open) === 0;
  };
  const settled = async () => {
    for (let tries = 0; tries < 500 && !(await isIdle()); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    tidings,
    sink,
    unreadable,
    log,
    get,
    async post(type, properties = {}, traits = {}, envelope = {}) {
      clock.now++;
      const item = {
        user_id: 'u1',
        event_type: type,
        event_timestamp: new Date(clock.now).toISOString(),
        properties,
        user_traits: traits,
        ...envelope,
      };
      const headers = { 'content-type': 'application/json' };
      const path = '/api/v1/events';
      const { body, text } = await raw(url, { method: 'POST', path, headers, body: JSON.stringify(item) });
      if (body.results?.[0]?.status !== 'accepted') throw new Error(text);
      const { body: audit } = await get('/api/v1/audit/u1');
      const { event_id } = body.results[0];
      return audit.decisions.filter((decision: { event_id: string }) => decision.event_id === event_id);
    },
    async pass(ms) {
      clock.now += ms;
      await settled();
    },
    async messages(type) {
      const { body } = await get('/api/v1/deliveries?limit=200');
      const own = body.deliveries.filter((one: { notification_type: string }) => one.notification_type === type);
      const shown = own.reverse().map(async ({ delivery_id }: { delivery_id: string }) => {
        return (await get(`/api/v1/deliveries/${delivery_id}/message`)).body;
      });
      return Promise.all(shown);
    },
    async reproduce() {
      const query = { tenantId: TENANT, candidate: null, since: started - HOURS, until: clock.now + 1, seal };
      return (await runBacktest(pool, query)).reproduced as { decisions: number; different: number };
    },
    async search(wanted) {
      const { rows: tables } = await pool.query<{ name: string }>(
        `select quote_ident(table_name) as name from information_schema.tables
         where table_schema = 'public' and table_type = 'BASE TABLE' and table_name not in ('catalog_contents', 'catalog_files')`,
      );
      const found: string[] = [];
      for (const { name } of tables) {
        const { rows } = await pool.query<{ row: string }>(`select t::text as row from ${name} as t`);
        for (const { row } of rows) for (const match of row.match(wanted) ?? []) found.push(`${name}: ${match}`);
      }
      return found;
    },
    async close() {
      await server.close();
      await tidings.close();
      await smtp.close();
      await sink.close();
    },
  };
}

/** From now on the process opens with another key than the one that it seals with, until the returned function is called. */
export function otherKey({ seal }: TestTidings): () => void {
  seal.open = () => {
    throw new Error('sealed under another key');
  };
  return () => {
    seal.open = Seal.prototype.open;
  };
}

/**
 * From now on the process has these keys, as if it had been started with them.
 * @throws ConfigError if it would not start
 */
export async function withKeys({ seal, database }: TestTidings, ...keys: string[]): Promise<void> {
  const other = new Seal(keys.map((key) => Buffer.from(key, 'base64')) as [Buffer]);
  await checkEncryptionKey(database.pool, other);
  Object.assign(seal, { keyId: other.keyId });
  seal.seal = other.seal.bind(other);
  seal.open = other.open.bind(other);
  seal.hash = other.hash.bind(other);
}

function catalogOf(rules: string, templates: { readonly [path: string]: string }): CatalogFiles {
  const names = [...rules.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name as string);
  const types = names.map((name) => {
    return `  ${name}: { category: SYSTEM, channels: [${name.startsWith('MAIL') ? 'email' : 'in_app'}] }`;
  });
  const files = new Map([
    ['rules.yaml', `rules:\n${rules}`],
    ['notifications.yaml', `notifications:\n${types.join('\n')}\n`],
    ['events.yaml', `events:\n${EVENTS.map((name) => `  ${name}: {}`).join('\n')}\n`],
  ]);
  for (const name of names) {
    const [channel, subject] = name.startsWith('MAIL')
      ? ['email', `templates/${name}/email.en.subject.txt`]
      : ['in_app'];
    files.set(`templates/${name}/${channel}.en.txt`, 'x');
    if (subject) files.set(subject, 'x');
  }
  for (const [path, text] of Object.entries(templates)) files.set(`templates/${path}`, text);
  return files;
}

/** The types of events that the catalog knows. */
const EVENTS = ['began', 'came', 'ended', 'made'];
