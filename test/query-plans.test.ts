import { uuidv7 } from 'uuidv7';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { markOwn } from '../src/events/own-events.ts';
import { type ClaimedDelivery, releaseDeliveries } from '../src/store/deliveries/claimed-delivery.ts';
import { testServer } from './support/http.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/**
 * A statement is planned once and its plan kept, so one that is planned while the tables hold next to nothing must be right
 * when they hold millions: what is asked of one user or one message is looked up by an index, never searched for.
 */

const USERS = 10;
const MINUTE = 60_000;

/** A rule of each kind that needs stored facts. */
const CATALOG = new Map([
  ['events.yaml', 'events: { began: {}, ended: {}, reached: {} }\ntraits: { level: string, email: string }\n'],
  [
    'notifications.yaml',
    'notifications:\n  N: { category: SYSTEM, channels: [email] }\n  HELD: { category: SYSTEM, channels: [email], in_doubt: hold }\n',
  ],
  [
    'rules.yaml',
    `rules:
  DELAYED: { on: began, delay: 10m, cancel_on: ended, notify: N }
  ABSENT: { on: began, unless: { event: ended, within: 1h }, notify: N }
  GATHERED: { on: reached, digest: { window: 10m }, notify: N }
  LIMITED: { on: reached, limit: 1 per day, notify: HELD }
  AFTER: { on: reached, after: { event: began, within: 1h }, limit: once, notify: N }
  LEVEL: { on: { trait: level }, after: { event: began, within: 1h }, notify: N }
  ECHO: { on: { notification: N, is: [delivered, failed] }, limit: once, notify: HELD }
  DAILY: { every: hour, for: true, notify: N }
`,
  ],
  ...['N', 'HELD'].flatMap((name): [string, string][] => [
    [`templates/${name}/email.en.subject.txt`, name],
    [`templates/${name}/email.en.txt`, name],
  ]),
]);

/** Tables that stay small: a row for each tenant, process or rule, and for each circuit that is open. */
const SMALL = new Set(['active_catalogs', 'catalogs', 'circuits', 'leases', 'schedules']);
/** Queues, which are read from their front in the order of the index, and scanned for what is open. */
const QUEUES =
  /^(waits_due|schedules_due|outbox_events_due|webhook_facts_due|deliveries_\w+_channel_(due_at|priority_delivery_lane_due_at)_idx)$/;

/** A condition on what an index should have found. */
const OF_ONE = /\b(user_id|notification_id|wait_id|event_id) = /;

let tidings: TestTidings;

beforeAll(async () => {
  tidings = await testTidings({ email: sandboxProvider(['email']) }, CATALOG);
  await work();
});
afterAll(() => tidings.close());

test('statements planned while the tables are small use indexes', async ({ skip }) => {
  const { rows } = await tidings.database.pool.query(`select current_setting('server_version_num')::int as version`);
  skip(rows[0].version < 160_000, 'EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16');
  await analyze();
  const statements = await prepared();
  // Statements of a batch, a delivery, a timer and a scheduled rule. A name that is removed here is no longer checked.
  expect([...statements.keys()]).toEqual(
    expect.arrayContaining([
      ...[
        'users',
        'limit-uses',
        'latest-events',
        'load-spans',
        'load-fired',
        'load-waits',
        'load-trait-changes',
        'known-ids',
      ],
      ...['load-trait-times', 'stored-events', 'waiting-triggers', 'write-waits', 'update-users'],
      'revive-deliveries',
      ...['write-terms', 'note-terms', 'release-held', 'release-deliveries', 'load-plan-users'],
      ...['claim-deliveries', 'settle-deliveries', 'mark-send-started', 'rescue-expired', 'next-due'],
      ...['claim-due-waits', 'claim-schedule', 'claim-outbox', 'enqueue-outbox', 'delete-outbox'],
      ...['claim-facts', 'fan-out-facts', 'record-facts'],
      ...['load-overdue', 'delivery-summaries'],
    ]),
  );
  const found: string[] = [];
  for (const [name, text] of statements) {
    const explained = await tidings.database.pool.query(`explain (generic_plan, format json) ${text}`);
    for (const node of nodes(explained.rows[0]['QUERY PLAN'][0].Plan))
      found.push(...wrong(node).map((what) => `${name}: ${what}`));
  }
  expect(found).toEqual([]);
});

test('the look-up columns of events agree with their decisions', async () => {
  const { rows } = await tidings.database.pool.query(
    `select count(*) filter (where has_fired) > 0 as fired, count(*) filter (where has_trait_change) > 0 as changed,
            count(*) filter (where has_fired is distinct from nullif(decisions::text ~ '"o":"(send|acted|scheduled)"', false)
              or has_trait_change is distinct from nullif(decisions::text ~ '"change":', false)) as wrong
     from events`,
  );
  expect(rows).toEqual([{ fired: true, changed: true, wrong: 0 }]);
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly 'Join Filter'?: string;
  readonly Plans?: readonly PlanNode[];
}

function wrong(node: PlanNode): string[] {
  const {
    'Node Type': type,
    'Relation Name': table,
    'Index Name': index,
    'Index Cond': condition,
    Filter: filter,
    'Join Filter': joinFilter,
  } = node;
  const ofAll = OF_ONE.test(joinFilter ?? '') ? [...nodes(node)].find(isOfAll) : undefined;
  if (ofAll) return [`all of ${ofAll['Index Name']} by ${ofAll['Index Cond']}, then ${joinFilter}`];
  if (table !== undefined && SMALL.has(table)) return [];
  if (type === 'Seq Scan') return [`all of ${table}`];
  if (index === undefined || QUEUES.test(index)) return [];
  if (condition === undefined) return [`all of ${index}`];
  if (OF_ONE.test(filter ?? '')) return [`${index}, then ${filter}`];
  return [];
}

/** Whether a look-up by an index finds more than is of one user or message. */
function isOfAll({ 'Index Name': index, 'Index Cond': condition, 'Relation Name': table }: PlanNode): boolean {
  return index !== undefined && table !== undefined && !SMALL.has(table) && !OF_ONE.test(condition ?? '');
}

function* nodes(plan: PlanNode): Iterable<PlanNode> {
  yield plan;
  for (const part of plan.Plans ?? []) yield* nodes(part);
}

/** Runs everything that looks something up, once. */
async function work(): Promise<void> {
  const { clock, database } = tidings;
  const timers = await tidings.timers();
  try {
    // An address that becomes known revives deliveries.
    await post('ended', 7, { level: 'none' });
    for (const [type, ago] of [
      // A late event: it may complete the pattern of a stored trigger.
      ['reached', 5],
      ['began', 6],
      ['began', 3],
      ['reached', 1],
      ['ended', 0],
      ['reached', 2],
      ['began', 3],
    ] as const)
      await post(type, ago);
    await tidings.worker();
    clock.now += 120 * MINUTE;
    const open = async () => {
      const { rows } = await database.pool.query(
        `select (select count(*) from waits where status = 'waiting') + (select count(*) from outbox_events)
              + (select count(*) from deliveries where finished_at is null) as open,
                (select count(*) from waits where kind = 'every') as occurrences`,
      );
      return rows[0];
    };
    await vi.waitFor(async () => expect(await open()).toEqual({ open: 0, occurrences: USERS }), { timeout: 15_000 });
    await sayPreferences();
    await tellEndpoint();
    await post('reached', 0);
    const server = await testServer(tidings);
    for (const path of ['queue', 'activity']) expect((await server.get(`/api/v1/${path}`)).status).toBe(200);
    await server.close();
  } finally {
    await timers.stop();
  }
}

/** Lets a user say what they want, while a worker delivers. */
async function sayPreferences(): Promise<void> {
  const at = new Date(tidings.clock.now).toISOString();
  const properties = { channels: { sms: false } };
  const said = { user_id: 'p 1', event_type: 'preference.updated', event_timestamp: at, properties };
  await tidings.pipeline.ingest('default', [markOwn(said)], false);
  // As a claim that the plan holds.
  const gone = { tenantId: 'default', notificationId: uuidv7(), channel: 'sms', target: '', fence: 1, step: null };
  await releaseDeliveries(tidings.database.pool, [gone as unknown as ClaimedDelivery], tidings.clock.now);
}

/** Lets an endpoint of webhooks receive what becomes of messages. */
async function tellEndpoint(): Promise<void> {
  const { clock, database } = tidings;
  await database.pool.query(
    `insert into webhook_endpoints (tenant_id, endpoint_id, url, event_types, sealed, state_changed_at, operation_id, created_at, updated_at)
     values ('default', gen_random_uuid(), 'https://example.com/', '{notification.*}', '', now(), 'o', now(), now())`,
  );
  await post('began', 0);
  clock.now += 20 * MINUTE;
  const made = async () => (await database.pool.query(`select from deliveries where channel = 'webhook'`)).rowCount;
  await vi.waitFor(async () => expect(await made()).toBeGreaterThan(0), { timeout: 15_000 });
}

async function post(type: string, minutesAgo: number, traits?: object): Promise<void> {
  const time = new Date(tidings.clock.now - minutesAgo * MINUTE).toISOString();
  await tidings.ingest(
    Array.from({ length: USERS }, (_, n) => ({
      event_id: `${type} ${time} ${n}`,
      user_id: `p ${n}`,
      event_type: type,
      event_timestamp: time,
      properties: {},
      user_traits: traits ?? { email: `p${n}@example.com`, level: `${type} ${minutesAgo}` },
    })),
  );
}

/** Collects statistics as autovacuum does: only of tables with rows. */
async function analyze(): Promise<void> {
  const { pool } = tidings.database;
  const { rows } = await pool.query(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0`,
  );
  for (const { name } of rows) await pool.query(`vacuum analyze ${name}`);
}

/** The prepared statements of all connections, by name; queries only. */
async function prepared(): Promise<Map<string, string>> {
  const { pool, tenants } = tidings.database;
  const connections = await Promise.all([
    ...Array.from({ length: 10 }, () => pool.connect()),
    ...Array.from({ length: 6 }, () => tenants.requests.connect()),
  ]);
  try {
    const found = new Map<string, string>();
    for (const connection of connections) {
      const { rows } = await connection.query('select name, statement from pg_prepared_statements');
      for (const { name, statement } of rows) {
        if (/^\s*(select|with|insert|update|delete)\b/i.test(statement)) found.set(name, statement);
      }
    }
    return found;
  } finally {
    for (const connection of connections) connection.release();
  }
}
