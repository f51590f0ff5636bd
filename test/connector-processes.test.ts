import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadExample } from './support/catalog.ts';
import { connectorsYaml, connectorWorker, setSecrets, UPSTREAM, withConnectors } from './support/connectors.ts';
import { type TestServer, testServer } from './support/http.ts';
import { type Program, tidingsDirectly } from './support/program.ts';
import { type CardScript, Lender } from './support/stand-ins/lender.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/**
 * Processes that are killed, or frozen for longer than their claims, while they import a customer and register a card: at each place
 * where they wait. Another worker, whose clock is a minute ahead, takes over.
 */

/** Time by which the clock of the other worker is ahead, in ms: longer than a claim. */
const AHEAD_MS = 60_000;

let tidings: TestTidings;
let server: TestServer;
let lender: Lender;
let folder: string;
let frozen: Program | undefined;
const programs: Program[] = [];

beforeAll(async () => {
  lender = await Lender.start();
  tidings = await testTidings({});
  Object.defineProperty(tidings.clock, 'now', { get: () => Date.now() });
  const cards = UPSTREAM(lender.url).replace('timeout: 1s', 'timeout: 20s');
  const yaml = connectorsYaml(lender.url, cards).replace('timeout: 2s', 'timeout: 20s');
  const files = withConnectors(await loadExample('lending'), yaml);
  await tidings.apply(files);
  server = await testServer(tidings);
  await setSecrets(server);
  folder = await mkdtemp(join(tmpdir(), 'tidings-connectors-'));
  for (const [path, text] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}, 180_000);

afterEach(() => frozen?.kill('SIGCONT'));

afterAll(async () => {
  for (const program of programs) program.killGroup('SIGKILL');
  await Promise.all(programs.map((program) => program.ended));
  await server?.close();
  await lender?.stop();
  await tidings?.close();
  await rm(folder, { recursive: true, force: true });
});

async function startWorkers(): Promise<Program> {
  const program = tidingsDirectly(['workers', '--json'], {
    env: {
      ...{ PORT: '0', DATABASE_URL: tidings.database.url, TIDINGS_CATALOG: folder, TIDINGS_DATA_DIR: folder },
      ...{ TIDINGS_ENCRYPTION_KEY: tidings.key, TIDINGS_WATCH: 'false', TIDINGS_POLL: '1s' },
      ...{ TIDINGS_CONNECTOR_SERVERS: lender.url, TIDINGS_LOG_LEVEL: 'warn' },
    },
  });
  programs.push(program);
  await program.ready();
  return program;
}

/** Returns the process that is frozen and goes on, again and again. */
async function useFrozen(): Promise<Program> {
  frozen ??= await startWorkers();
  return frozen;
}

/** A customer to import, and one with a product to register. */
interface Work {
  readonly imported: string;
  readonly registered: string;
  readonly productId: string;
}

/** Has tasks for both written. @param script answers of the card network */
async function post(...script: CardScript[]): Promise<Work> {
  const [imported, registered, productId] = [randomUUID(), randomUUID(), randomUUID()];
  const loan = { product_uuid: randomUUID(), type: 'loan', status: 'approved' };
  lender.addCustomer(imported, { email: 'dana@example.com', products: [loan] });
  const card = { product_uuid: productId, type: 'credit', status: 'approved' };
  lender.addCustomer(registered, { email: 'eli@example.com', products: [card] });
  lender.scriptCard(productId, ...script);
  await tidings.pool.query(
    `insert into user_products (tenant_id, product_id, user_id, product, updated_at) values ('default', $1, $2, 'CREDIT', now())`,
    [productId, registered],
  );
  const approved = await server.post('/api/v1/events', {
    ...{ event_id: `approved ${imported}`, user_id: imported, event_type: 'product_status_changed' },
    event_timestamp: new Date().toISOString(),
    properties: { product_uuid: 'p', product: 'LOAN', status: 'approved' },
  });
  expect(approved.body.results[0].status).toBe('accepted');
  expect((await server.post(`/api/v1/users/${registered}/products/register`, {})).status).toBe(202);
  return { imported, registered, productId };
}

/** Waits until sessions of the process wait for a lock of the database: one of each task, or of a batch of both. */
const untilLocked = (sessions: 1 | 2) =>
  vi.waitFor(
    async () => {
      const { rows } = await tidings.pool.query<{ count: string }>(
        `select count(*) as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      expect(Number(rows[0]?.count)).toBeGreaterThanOrEqual(sessions);
    },
    { timeout: 15_000, interval: 20 },
  );

const untilAsked = ({ imported, productId }: Work) =>
  vi.waitFor(
    () => {
      expect(lender.requestsTo(`/api/v1/customers/${imported}`)).toHaveLength(1);
      expect(lender.requests.filter(({ body }) => body.includes(productId))).toHaveLength(1);
    },
    { timeout: 15_000, interval: 20 },
  );

/** Takes locks with a statement, until the function that it returns is called. */
async function lock(statement: string, ...values: unknown[]): Promise<() => Promise<void>> {
  const connection = await tidings.pool.connect();
  await connection.query('begin');
  await connection.query(statement, values);
  return async () => {
    await connection.query('commit');
    connection.release();
  };
}

/** Has two tasks run until a place where they wait. Returns them, and what lets them go on. */
type Place = () => Promise<{ readonly work: Work; readonly goOn: () => unknown }>;

const PLACES: readonly (readonly [name: string, place: Place])[] = [
  [
    'before the call',
    async () => {
      const goOn = await lock('lock table connector_secrets in access exclusive mode');
      const work = await post();
      await untilLocked(2);
      return { work, goOn };
    },
  ],
  [
    'while the service answers',
    async () => {
      const answer = lender.hold();
      const work = await post();
      await untilAsked(work);
      return { work, goOn: () => answer() };
    },
  ],
  [
    'after the answer, before its events',
    async () => {
      const answer = lender.hold();
      const work = await post();
      await untilAsked(work);
      const { release } = await tidings.holdUsers([work.imported, work.registered]);
      answer();
      await untilLocked(1);
      return { work, goOn: release };
    },
  ],
  [
    'after the events, before the record',
    async () => {
      const answer = lender.hold();
      const work = await post();
      await untilAsked(work);
      const goOn = await lock('select from connector_tasks where user_id = any ($1) for update', [
        work.imported,
        work.registered,
      ]);
      answer();
      await untilLocked(2);
      return { work, goOn };
    },
  ],
];

/**
 * Has the other worker do what is left to do. What a frozen process holds in the database ends, as after `idle_in_transaction_session_timeout`.
 */
async function takeOver({ imported, registered }: Work, states = ['done', 'done']): Promise<void> {
  const worker = connectorWorker(tidings, lender, { clock: () => Date.now() + AHEAD_MS });
  try {
    await vi.waitFor(
      async () => {
        await tidings.pool.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and state like 'idle in transaction%' and state_change < now() - interval '100 ms'`,
        );
        const { rows } = await tidings.pool.query<{ state: string }>(
          'select state from connector_tasks where user_id = any ($1) order by kind desc',
          [[imported, registered]],
        );
        expect(rows.map(({ state }) => state)).toEqual(states);
      },
      { timeout: 20_000, interval: 50 },
    );
  } finally {
    await worker.stop();
  }
}

async function eventsOf(userId: string): Promise<string[]> {
  const { rows } = await tidings.pool.query<{ event_type: string }>(
    'select event_type from events where user_id = $1 order by event_type, event_id',
    [userId],
  );
  return rows.map(({ event_type }) => event_type);
}

/** The customer is there once, the card is registered, and the timelines tell it once. */
async function expectOnce({ imported, registered, productId }: Work): Promise<void> {
  expect(await eventsOf(imported)).toEqual(['customer.imported', 'product_status_changed']);
  expect(await eventsOf(registered)).toEqual(['card.registered']);
  const { rows } = await tidings.pool.query(
    `select (select count(*)::int from users where user_id = $1) as users,
            (select count(*)::int from user_products where user_id = $1) as products,
            (select count(*)::int from connector_tasks where user_id in ($1, $2) and state = 'done' and claimed_until is null) as tasks`,
    [imported, registered],
  );
  expect(rows).toEqual([{ users: 1, products: 1, tasks: 2 }]);
  const { products } = (await server.get(`/api/v1/users/${registered}/products`)).body;
  expect(products).toEqual([expect.objectContaining({ product_id: productId, registration: 'registered' })]);
  expect(products[0].subscriber_reference_id).toMatch(/^sub-/);
  const sent = lender.requests.filter(({ body }) => body.includes(productId)).map(({ body }) => body);
  expect(new Set(sent).size).toBe(1);
}

test.each(PLACES)(
  'killed %s',
  async (_, place) => {
    const program = await startWorkers();
    const { work, goOn } = await place();
    program.kill('SIGKILL');
    await program.ended;
    await goOn();
    await takeOver(work);
    await expectOnce(work);
  },
  60_000,
);

describe('frozen until another worker has done it', () => {
  /** Lets the process go on, and waits until it has done other work. */
  async function thaw(program: Program): Promise<void> {
    program.kill('SIGCONT');
    const next = await post();
    await vi.waitFor(async () => expect(await eventsOf(next.registered)).toEqual(['card.registered']), {
      timeout: 20_000,
      interval: 30,
    });
  }

  test.each(PLACES)(
    '%s',
    async (_, place) => {
      const program = await useFrozen();
      const { work, goOn } = await place();
      program.kill('SIGSTOP');
      await goOn();
      await takeOver(work);
      await expectOnce(work);
      await thaw(program);
      await expectOnce(work);
    },
    60_000,
  );

  test('a failure that it comes to afterwards is not reported', async () => {
    const program = await useFrozen();
    const answer = lender.hold();
    const work = await post();
    await untilAsked(work);
    program.kill('SIGSTOP');
    answer({ instead: 'reset' });
    await takeOver(work);
    await thaw(program);
    await expectOnce(work);
  }, 60_000);

  test('a card that its answer says is registered is registered, although another worker failed for good', async () => {
    const program = await useFrozen();
    const answer = lender.hold();
    const work = await post('S', 'REG_999');
    await untilAsked(work);
    program.kill('SIGSTOP');
    answer();
    await takeOver(work, ['done', 'dead']);
    await thaw(program);
    const { products } = (await server.get(`/api/v1/users/${work.registered}/products`)).body;
    expect(products[0]).toMatchObject({ registration: 'registered', registration_code: 'REG_121' });
    expect(products[0].subscriber_reference_id).toMatch(/^sub-/);
    const { tasks } = (await server.get(`/api/v1/connector-tasks?user_id=${work.registered}`)).body;
    expect(tasks).toEqual([expect.objectContaining({ state: 'done', code: null })]);
    expect(await eventsOf(work.registered)).toEqual(['card.registered', 'card.registration_failed']);
  }, 60_000);
});

test('a process that is stopped leaves its tasks to others at once', async () => {
  frozen?.killGroup('SIGKILL');
  await frozen?.ended;
  const program = await startWorkers();
  const answer = lender.hold();
  const work = await post();
  await untilAsked(work);
  program.kill('SIGTERM');
  await program.ended;
  answer();
  const { rows } = await tidings.pool.query(
    'select state, claimed_until, attempts from connector_tasks where user_id = any ($1)',
    [[work.imported, work.registered]],
  );
  expect(rows).toEqual(Array(2).fill({ state: 'open', claimed_until: null, attempts: 0 }));
  await takeOver(work);
  await expectOnce(work);
}, 60_000);
