import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { validateCatalogFiles } from '../../src/catalog/load-valid-catalog.ts';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { startJob } from '../../src/jobs/start-job.ts';
import { systemActor } from '../../src/model/principal.ts';
import { applyCatalog } from '../../src/store/catalogs.ts';
import { type Answer, type TestServer, testServer } from './http.ts';
import { TENANT, type TestTidings, testTidings } from './tidings.ts';

/** Two tenants with the same kinds of rows: `default`, which the API acts for, and another one. */

export const OTHER = 'other';
/** A tenant whose catalog others may follow. */
const BASE = 'base';
/** Everything of the other tenant has this word in it: ids, names of rules and types, texts. */
export const SECRET = /secret/i;

/** Ids of a tenant's rows, one of each kind. */
export interface Rows {
  readonly userId: string;
  readonly notificationType: string;
  readonly sent: string;
  readonly stopped: string;
  readonly queued: string;
  readonly waitId: string;
  /** Three of them. */
  readonly rejectedIds: readonly string[];
  readonly jobId: string;
  readonly keyIds: readonly [string, string];
  readonly memberId: string;
  readonly issuer: string;
  readonly rule: string;
}

export interface TwoTenants {
  readonly tidings: TestTidings;
  readonly server: TestServer;
  readonly own: Rows;
  readonly other: Rows;
  /** Returns a digest of all rows of a tenant. */
  digest(tenantId: string): Promise<string>;
  close(): Promise<void>;
}

export async function twoTenants(): Promise<TwoTenants> {
  const tidings = await testTidings({ email: sandboxProvider(['email']) }, catalogOf('own'));
  const { pool } = tidings.database;
  const seed = async (tenantId: string, word: string): Promise<Rows> => {
    await pool.query('insert into tenants (tenant_id, name) values ($1, $2) on conflict do nothing', [tenantId, word]);
    for (const version of [1, 2]) {
      const data = await validateCatalogFiles(catalogOf(word, version));
      await applyCatalog(pool, tenantId, data, systemActor(`${word} actor`), tidings.clock.now);
    }
    await tidings.catalogs.refresh(tenantId);
    const eventOf = (type: string, user: string) => ({
      event_id: `${word} ${type} ${user}`,
      user_id: `${word} ${user}`,
      event_type: type,
      event_timestamp: new Date(tidings.clock.now).toISOString(),
      properties: { text: `${word} text` },
      user_traits: user === 'unreachable' ? {} : { email: `${word}@example.com` },
    });
    const post = (type: string, user: string) => tidings.pipeline.ingest(tenantId, [eventOf(type, user)]);
    for (const user of ['maria', 'unreachable']) await post('mailed', user);
    await tidings.worker();
    await settle(tidings);
    await tidings.stopWorkers();
    const invalid = ['a', 'b', 'c'].map((user) => ({ ...eventOf('mailed', user), event_timestamp: word }));
    await tidings.pipeline.ingest(tenantId, invalid, true);
    for (const type of ['mailed', 'delayed']) {
      tidings.clock.now += 1000;
      await post(type, 'later');
    }
    const parts = { ...tidings, clock: () => tidings.clock.now };
    const { job } = await startJob(parts, {
      tenantId,
      actor: systemActor(`${word} actor`),
      action: 'deliveries.retry',
      filter: { user_id: `${word} unreachable` },
      name: `${word} job`,
      patch: null,
      perSecond: null,
      key: `${word} key`,
    });
    await pool.query(`insert into job_failures values ($1, $2, $3, 'c', $3)`, [tenantId, job.job_id, `${word} item`]);
    const keyIds = [`${word}-key-1`, `${word}-key-2`] as const;
    await pool.query(
      `insert into api_keys (tenant_id, key_id, hash, last4, name, scopes, created_by)
       select $1, id, '', '', $2, '{users:read}', '{"kind":"system","id":"test","name":"test","from":null}' from unnest($3::text[]) as id`,
      [tenantId, `${word} key`, keyIds],
    );
    const memberId = randomUUID();
    await pool.query(
      `insert into members (tenant_id, member_id, email_mask, name, role, added_by) values ($1, $2, $3, $3, 'viewer', $4)`,
      [tenantId, memberId, word, systemActor(`${word} actor`)],
    );
    const issuer = `https://${word}.example.com`;
    await pool.query(
      `insert into issuers (tenant_id, issuer, jwks_url, audiences, algorithms) values ($1, $2, $2, array[$3], '{ES256}')`,
      [tenantId, issuer, word],
    );
    const ids = { keyIds, memberId, issuer, jobId: job.job_id };
    return { ...(await load(pool, tenantId)), ...ids, rule: `${word.toUpperCase()}_DELAYED` };
  };
  await pool.query('insert into tenants (tenant_id, name) values ($1, $1)', [BASE]);
  await applyCatalog(pool, BASE, await validateCatalogFiles(catalogOf('base')), systemActor('base'), tidings.clock.now);
  const other = await seed(OTHER, 'secret');
  const own = await seed(TENANT, 'own');
  const server = await testServer(tidings);
  return {
    tidings,
    server,
    own,
    other,
    async digest(tenantId) {
      const { rows } = await pool.query<{ name: string }>(
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and not relispartition and exists (select from pg_attribute where attrelid = oid and attname = 'tenant_id')
         order by 1`,
      );
      const digests = [];
      for (const { name } of rows) {
        const { rows: found } = await pool.query(
          `select count(*) as rows, md5(string_agg(t::text, '|' order by t::text)) as digest from ${name} as t where tenant_id = $1`,
          [tenantId],
        );
        digests.push(`${name} ${found[0].rows} ${found[0].digest}`);
      }
      return digests.join('\n');
    },
    async close() {
      await server.close();
      await tidings.close();
    },
  };
}

/** An operation of the OpenAPI document, as `METHOD /path`, with what a request to it sends. */
export interface Operation {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With the ids of the rows that it was built for. */
  readonly path: string;
  readonly hasIds: boolean;
  /** Whether it takes the cursor `after`. */
  readonly isPaged: boolean;
  readonly body: unknown;
}

/** Operations on tenants: of the installation, whose callers may see every tenant (test/tenants-api.test.ts). */
const OF_INSTALLATION = /^\/api\/v1\/tenants(\/|$)/;

/** Returns every operation of a tenant in the OpenAPI document, with the ids of these rows: those that read first. */
export async function listOperations(server: TestServer, rows: Rows): Promise<Operation[]> {
  const { body } = await server.get('/api/docs/openapi.json');
  const paths = Object.entries<Record<string, { parameters?: { name: string }[] }>>(body.paths);
  const operations = paths
    .filter(([template]) => !OF_INSTALLATION.test(template))
    .flatMap(([template, methods]) =>
      Object.entries(methods).map(([method, { parameters = [] }]): Operation => {
        const name = `${method.toUpperCase()} ${template}`;
        const ids = IDS[template]?.(rows) ?? [];
        let given = 0;
        const path = template.replace(/\{\w+\}/g, () => {
          const id = ids[given++];
          if (id === undefined) throw new Error(`test/support/two-tenants.ts: say which row ${template} is asked for`);
          return encodeURIComponent(id);
        });
        return {
          name,
          method: method.toUpperCase() as Operation['method'],
          path: `${path}${QUERIES[template] ?? ''}`,
          hasIds: given > 0,
          isPaged: parameters.some((one) => one.name === 'after'),
          body: BODIES[name]?.(rows),
        };
      }),
    );
  for (const { name, method } of operations) {
    if (method !== 'GET' && !(name in BODIES)) throw new Error(`test/support/two-tenants.ts: say what ${name} sends`);
  }
  return operations.sort((a, b) => Number(a.method !== 'GET') - Number(b.method !== 'GET'));
}

/** Sends an operation: those of a user as a user of the own tenant. */
export async function call({ server, own }: TwoTenants, { method, path, body }: Operation): Promise<Answer> {
  if (!/^\/api\/v1\/me\b/.test(path)) return server.send(method, path, body);
  const { token } = (await server.post(`/api/v1/users/${encodeURIComponent(own.userId)}/tokens`)).body;
  return server.send(method, path, body, { authorization: `Bearer ${token}` });
}

const IDS: { readonly [template: string]: (rows: Rows) => string[] } = {
  '/api/v1/deliveries/{id}/message': ({ sent }) => [sent],
  '/api/v1/deliveries/{id}/retry': ({ stopped }) => [stopped],
  '/api/v1/deliveries/{id}/cancel': ({ queued }) => [queued],
  '/api/v1/waits/{id}/cancel': ({ waitId }) => [waitId],
  '/api/v1/keys/{id}': ({ keyIds }) => [keyIds[0]],
  '/api/v1/keys/{id}/rotate': ({ keyIds }) => [keyIds[1]],
  '/api/v1/jobs/{id}': ({ jobId }) => [jobId],
  '/api/v1/jobs/{id}/failures': ({ jobId }) => [jobId],
  '/api/v1/jobs/{id}/stop': ({ jobId }) => [jobId],
  '/api/v1/events/rejected/{id}/dismiss': ({ rejectedIds }) => rejectedIds.slice(0, 1),
  '/api/v1/events/rejected/{id}/retry': ({ rejectedIds }) => rejectedIds.slice(1, 2),
  '/api/v1/events/rejected/{id}/correct': ({ rejectedIds }) => rejectedIds.slice(2, 3),
  '/api/v1/deliveries/{id}/reveal': ({ sent }) => [sent],
  '/api/v1/users/{user_id}/reveal': ({ userId }) => [userId],
  '/api/v1/users/{user_id}/tokens': ({ userId }) => [userId],
  '/api/v1/members/{member_id}': ({ memberId }) => [memberId],
  '/api/v1/issuers/{issuer}': ({ issuer }) => [issuer],
  '/api/v1/audit/{user_id}': ({ userId }) => [userId],
  '/audit/{user_id}': ({ userId }) => [userId],
  '/api/v1/explain/{user_id}/{notification_type}': ({ userId, notificationType }) => [userId, notificationType],
};

const QUERIES: { readonly [template: string]: string } = {
  '/api/v1/catalog/diff': '?from=1&to=2',
  '/api/v1/audit': '?correlation_id=text',
};

const EVENT = { user_id: 'own corrected', event_type: 'mailed', event_timestamp: '2025-11-20T12:00:00Z' };
const NOTHING = () => undefined;
const BODIES: { readonly [operation: string]: (rows: Rows) => unknown } = {
  'POST /api/v1/deliveries/{id}/retry': NOTHING,
  'POST /api/v1/deliveries/{id}/cancel': NOTHING,
  'POST /api/v1/waits/{id}/cancel': NOTHING,
  'POST /api/v1/jobs/{id}/stop': NOTHING,
  'POST /api/v1/events/rejected/{id}/dismiss': NOTHING,
  'POST /api/v1/events/rejected/{id}/retry': () => EVENT,
  'POST /api/v1/events/rejected/{id}/correct': () => ({ patch: { event_timestamp: EVENT.event_timestamp } }),
  'POST /api/v1/jobs/preview': ({ userId }) => ({ action: 'deliveries.cancel', filter: { user_id: userId } }),
  'POST /api/v1/jobs': ({ rule }) => ({ action: 'waits.cancel', filter: { rule } }),
  'POST /api/v1/keys': () => ({ name: 'own', scopes: ['users:read'] }),
  'PATCH /api/v1/keys/{id}': () => ({ name: 'own again' }),
  'DELETE /api/v1/keys/{id}': NOTHING,
  'POST /api/v1/keys/{id}/rotate': () => ({}),
  'POST /api/v1/deliveries/{id}/reveal': () => ({ reason: 'a test' }),
  'POST /api/v1/users/{user_id}/reveal': () => ({ reason: 'a test' }),
  'POST /api/v1/users/{user_id}/tokens': NOTHING,
  'POST /api/v1/signing-keys/rotate': NOTHING,
  'POST /api/v1/members': () => ({ email: 'ann@example.com', role: 'viewer' }),
  'PATCH /api/v1/members/{member_id}': () => ({ role: 'support' }),
  'DELETE /api/v1/members/{member_id}': NOTHING,
  'PUT /api/v1/issuers/{issuer}': () => ({ jwks_url: 'https://id.example.com/jwks.json', audiences: ['app'] }),
  'DELETE /api/v1/issuers/{issuer}': NOTHING,
  'POST /api/v1/session': () => ({ link: 'not one' }),
  'DELETE /api/v1/session': NOTHING,
  'POST /api/v1/events': () => [],
  'POST /events': () => [],
  'POST /api/v1/catalog': () => ({ files: Object.fromEntries(catalogOf('own', 3)), dry_run: true }),
  'POST /api/v1/catalog/rollback': () => ({ version: 1 }),
  'PUT /api/v1/catalog/follow': () => ({ tenant_id: BASE }),
  'PATCH /api/v1/tenant': () => ({ name: 'own name' }),
};

function catalogOf(word: string, version = 0): Map<string, string> {
  const name = word.toUpperCase();
  return new Map([
    ['events.yaml', 'events: { mailed: {}, delayed: {} }\ntraits: { email: string }\n'],
    ['notifications.yaml', `notifications:\n  ${name}: { category: SYSTEM, channels: [email] }\n`],
    [
      'rules.yaml',
      `rules:\n  ${name}_MAILED: { on: mailed, notify: ${name} }\n  ${name}_DELAYED: { on: delayed, delay: ${version + 1}h, notify: ${name} }\n`,
    ],
    [`templates/${name}/email.en.subject.txt`, `${word} subject`],
    [`templates/${name}/email.en.txt`, `${word} {{event.text}}`],
  ]);
}

async function settle({ database }: TestTidings): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const { rows } = await database.pool.query('select from deliveries where finished_at is null limit 1');
    if (rows.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('deliveries are still open');
}

async function load(
  pool: pg.Pool,
  tenantId: string,
): Promise<Omit<Rows, 'jobId' | 'keyIds' | 'memberId' | 'issuer' | 'rule'>> {
  const { rows } = await pool.query(
    `select (select array[user_id, notification_type] from deliveries where tenant_id = $1 and status = 'sandboxed') as named,
            (select notification_id || '.' || channel from deliveries where tenant_id = $1 and status = 'sandboxed') as sent,
            (select notification_id || '.' || channel from deliveries where tenant_id = $1 and status = 'undeliverable') as stopped,
            (select notification_id || '.' || channel from deliveries where tenant_id = $1 and status = 'queued') as queued,
            (select wait_id from waits where tenant_id = $1) as wait,
            array(select rejected_id from rejected_events where tenant_id = $1)::text[] as rejected`,
    [tenantId],
  );
  const { named, sent, stopped, queued, wait, rejected } = rows[0];
  const found = { sent, stopped, queued, waitId: wait, rejectedIds: rejected };
  if (Object.values({ ...found, named }).includes(null)) throw new Error(JSON.stringify(rows[0]));
  return { userId: named[0], notificationType: named[1], ...found };
}

/** A statement that the API sent, and what it did: once for its own tenant, and before that for others. */
export interface SentStatement {
  readonly text: string;
  /** Rows returned or changed for the tenant that it was sent for. */
  rows: number;
  /** Leak of a statement: what it showed or changed for another tenant; undefined: nothing. */
  leak: string | undefined;
}

/**
 * Records every statement of tenants that the API sends from now on. Each is first run with the same values for `others`, in
 * transactions that are rolled back.
 */
export async function recordStatements(
  { tidings: { database } }: TwoTenants,
  others: readonly string[],
): Promise<{ readonly sent: readonly SentStatement[]; stop(): Promise<void> }> {
  const { requests } = database.tenants;
  const intruder = new pg.Client({ connectionString: database.apiUrl });
  await intruder.connect();
  await intruder.query('set lock_timeout = 2000; set enable_seqscan = off');
  const sent: SentStatement[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const tryAs = async (tenant: string, text: string, values: unknown[]) => {
    await intruder.query('begin');
    await intruder.query(`select set_config('tidings.tenant', $1, true)`, [tenant]);
    const result = await intruder.query(text, values).then(
      (found) => ({ rows: found.rows, changed: found.command === 'SELECT' ? 0 : (found.rowCount ?? 0), error: '' }),
      (error) => ({ rows: [], changed: 0, error: error.code === '42501' ? '' : `${error.code} ${error.message}` }),
    );
    await intruder.query('rollback');
    return result;
  };
  const tryFor = async (text: string, values: unknown[]) => {
    for (const tenant of others) {
      const { rows, changed, error } = await tryAs(tenant, text, values);
      const leak = error || findShown(rows, values) || (changed ? `${changed} rows` : '');
      if (leak) return `for "${tenant}": ${leak}`;
    }
    // As if the store had forgotten its own condition.
    const unguarded = text.replace(/(\w+\.)?tenant_id = (\$\d+)/g, '$2::text is not null');
    const none = await tryAs('', unguarded, values);
    const own = await tryAs(TENANT, unguarded, values);
    const leak =
      none.error ||
      (isOwnLock(own.error) ? '' : own.error) ||
      findShown(none.rows, values) ||
      (none.changed ? `${none.changed} rows` : '');
    if (leak) return `without its condition: ${leak}`;
    return SECRET.test(JSON.stringify(own.rows)) ? `without its condition: ${JSON.stringify(own.rows)}` : undefined;
  };
  const connect = requests.connect.bind(requests);
  const patched = new WeakSet();
  requests.connect = (async () => {
    const session = await connect();
    if (patched.has(session)) return session;
    patched.add(session);
    const query = session.query.bind(session) as (...given: unknown[]) => unknown;
    session.query = ((...given: unknown[]) => {
      const [config] = given;
      if (!(config instanceof pg.Query)) return query(...given);
      const { text, values, callback } = config as unknown as {
        text: string;
        values: unknown[];
        callback: (error: Error | null, result?: pg.QueryResult) => void;
      };
      const statement: SentStatement = { text, rows: 0, leak: undefined };
      sent.push(statement);
      Object.assign(config, {
        callback: (error: Error | null, result?: pg.QueryResult) => {
          statement.rows = result?.rowCount ?? 0;
          callback(error, result);
        },
      });
      last = last
        .then(() => tryFor(text, values))
        .then((leak) => {
          statement.leak = leak;
          query(config);
        });
    }) as typeof session.query;
    return session;
  }) as typeof requests.connect;
  return {
    sent,
    async stop() {
      requests.connect = connect;
      await intruder.end();
    },
  };
}

/** Returns what rows show beyond nothing, zero, and the values of the statement itself; undefined: nothing. */
/** Whether a statement waits for a row that the transaction of the own tenant has changed. */
function isOwnLock(error: string): boolean {
  return error.startsWith('55P03');
}

function findShown(rows: readonly object[], values: readonly unknown[]): string | undefined {
  const given = JSON.stringify(values);
  const shown = rows.flatMap((row) => Object.entries(row)).filter(([, value]) => !isNothing(value, given));
  return shown.length === 0 ? undefined : JSON.stringify(shown.slice(0, 3));
}

function isNothing(value: unknown, given: string): boolean {
  if (value === null || value === 0 || value === false || value === '' || value === '0') return true;
  return typeof value === 'string' && given.includes(value);
}
