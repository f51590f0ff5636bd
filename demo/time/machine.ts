import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import pino from 'pino';
import { AccountPool } from '../../src/accounts/account-pool.ts';
import { openReceiptAccounts } from '../../src/accounts/find-receipt-account.ts';
import { openInstallation } from '../../src/accounts/installation.ts';
import { testTemplates } from '../../src/authoring/load-test-template.ts';
import { CatalogCache } from '../../src/catalog/cache.ts';
import { openWebhooks } from '../../src/channels/webhook/webhook.ts';
import type { Config } from '../../src/config.ts';
import { nameProviders } from '../../src/delivery/account-states.ts';
import { deviceTargets } from '../../src/delivery/device-targets.ts';
import { keepInInbox } from '../../src/delivery/keep-in-inbox.ts';
import { messageLinks } from '../../src/delivery/message-links.ts';
import { mapTargets } from '../../src/delivery/targets.ts';
import { DeliveryWorker } from '../../src/delivery/worker.ts';
import { startEmbedded } from '../../src/embedded/embedded.ts';
import { Health } from '../../src/health/health.ts';
import type { App } from '../../src/http/app.ts';
import { buildServer } from '../../src/http/server.ts';
import type { GuardedClient } from '../../src/http-out/guarded-client.ts';
import { Pipeline } from '../../src/ingest/pipeline.ts';
import { JobWorker } from '../../src/jobs/job-worker.ts';
import { setIdClock } from '../../src/lib/fresh-id.ts';
import type { Millis } from '../../src/model/event.ts';
import { BatchWorker } from '../../src/notify/batches/batch-worker.ts';
import { Seal } from '../../src/privacy/seal.ts';
import { ReleaseWatcher } from '../../src/releases/release-watcher.ts';
import { attributeGoals, MAX_ATTRIBUTED } from '../../src/store/goals/attribute.ts';
import { InboxSignals } from '../../src/store/inbox/inbox-signals.ts';
import { checkEncryptionKey } from '../../src/store/metadata.ts';
import { toMetricPeriods } from '../../src/store/metrics/counters.ts';
import { foldDeltas, MAX_FOLDED_DELTAS } from '../../src/store/metrics/fold.ts';
import { migrate } from '../../src/store/pg/migrate.ts';
import { openTenantDatabase } from '../../src/store/pg/open-tenant-database.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { listWaitingTenants } from '../../src/store/tenants/list-waiting-tenants.ts';
import { TenantProfiles } from '../../src/tenants/tenant-profiles.ts';
import { formatLocalTimeKey, nextOccurrence } from '../../src/time/calendar.ts';
import { TimerWorker } from '../../src/timers/worker.ts';
import { EndpointTargets } from '../../src/webhooks/endpoint-targets.ts';
import type { Clock } from './clock.ts';
import { addOwnTime, removeOwnTime, setTime, withOwnTime } from './database-time.ts';

/** Interval (ms) in which workers look by themselves: they are woken when something is due. */
const POLL_MS: Millis = 5000;
/** The same of the workers of batches and jobs, which run while there are any: nothing wakes them. */
const COMMAND_POLL_MS: Millis = 25;
/**
 * Part of a worker's pauses between two looks at one queue that is kept: no time passes meanwhile. With one, what is found first would
 * depend on the look that the clock was moved in.
 */
const LOOK_PAUSE_FACTOR = 0;
/** Looks at what is due without a change after which the workers are woken once more. */
const LOOKS_PER_WAKE = 3;
/**
 * Time (ms), and looks, without a change after which deliveries behind an open circuit are left to a later step. A worker has looked
 * for those that are late by then.
 */
const MAX_STILL_MS: Millis = 150;
const MAX_STILL_LOOKS = 6;
/** Time (ms) after which something is wrong, however slow the machine is. */
const MAX_STUCK_MS: Millis = 60_000;
/** Pauses (ms) between two looks at what is due. */
const MIN_LOOK_MS: Millis = 2;
const MAX_LOOK_MS: Millis = 25;
/** Attempts at what the database is too busy for, and the pause (ms) between them. */
const MAX_ATTEMPTS = 20;
const BUSY_MS: Millis = 1000;
/** Connections of the workers: each plans every statement once more. */
const MAX_CONNECTIONS = 4;
const DAY_MS: Millis = 86_400_000;

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON the route answers
  readonly body: any;
}

interface Request {
  readonly tenant?: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: object | string;
}

/** All parts of a Tidings process, by a clock that stands still until `moveTo`. */
export interface TimeMachine {
  readonly clock: Clock;
  /** Sends a request of the installation to the API. @throws Error for an answer of 400 and above */
  call(method: string, path: string, request?: Request): Promise<Answer>;
  /** The same, whatever the answer. */
  tryCall(method: string, path: string, request?: Request): Promise<Answer>;
  /** Posts events, and waits until all that follows from them by now is done. */
  ingest(tenant: string, events: readonly object[]): Promise<void>;
  /** Moves the clock on, and waits until all that is due by then is done. */
  moveTo(time: Millis): Promise<void>;
  /** Waits until what is due is done. */
  settle(): Promise<void>;
  /** Attributes goals, sums up the metrics, and looks at the releases. */
  sumUp(): Promise<void>;
  /** Stops everything, the server of the database too, and takes its clock out of the database. */
  close(): Promise<void>;
}

export interface TimeMachineOptions {
  readonly config: Config;
  readonly apiKey: string;
  readonly publicUrl: string;
  readonly clock: Clock;
  /** For what goes out over HTTP: to providers, and to endpoints of webhooks. */
  readonly http: GuardedClient;
  /** Settings of the server, for data that may be lost. */
  readonly settings?: { readonly [name: string]: string };
  /** Aborted: whatever is asked of the machine from then on throws, except `close`. */
  readonly stopping: AbortSignal;
}

/** Steps that undo what was started; they run in reverse order. */
type Cleanup = (() => Promise<unknown> | unknown)[];

/** Starts all parts. One that fails leaves nothing behind, no server in particular. */
export async function openTimeMachine(options: TimeMachineOptions): Promise<TimeMachine> {
  const cleanup: Cleanup = [];
  try {
    return await startParts(options, cleanup);
  } catch (error) {
    await undo(cleanup).catch(() => {});
    throw error;
  }
}

/** @throws the first error of a step, when all steps have run */
async function undo(cleanup: Cleanup): Promise<void> {
  const errors: unknown[] = [];
  for (const step of cleanup.reverse()) await Promise.resolve(step()).catch((error) => errors.push(error));
  if (errors.length > 0) throw errors[0];
}

async function startParts(options: TimeMachineOptions, cleanup: Cleanup): Promise<TimeMachine> {
  const { config, clock, http, publicUrl, apiKey, stopping } = options;
  const now = () => clock.now;
  const log = pino({ level: config.logLevel }, pino.destination(2));
  setIdClock(() => Math.floor(clock.now));
  cleanup.push(() => setIdClock(Date.now));
  const embedded = await startEmbedded({
    dataDir: config.dataDir,
    ...(options.settings && { settings: options.settings }),
  });
  cleanup.push(() => embedded.stop());
  const plain = openPool(embedded.url, { max: 2, name: 'demo' });
  cleanup.push(() => plain.end());
  await migrate(plain);
  await addOwnTime(plain, clock.now);
  cleanup.push(async () => {
    await removeOwnTime(plain);
    // Autovacuum may be off meanwhile.
    if (!stopping.aborted) await plain.query('analyze');
  });
  const url = withOwnTime(embedded.url);
  const pool = openPool(url, { max: MAX_CONNECTIONS, name: 'demo seed' });
  cleanup.push(() => pool.end());
  const seal = new Seal(config.encryptionKey);
  await checkEncryptionKey(pool, seal);
  const database = await openTenantDatabase(
    pool,
    { url, apiUrl: withOwnTime(embedded.apiUrl), directUrl: null, seal, migrates: true },
    { max: 8, name: 'demo requests', onShared: () => {} },
  );
  cleanup.push(() => database.requests.end());

  const partitions = new Partitions(pool);
  await partitions.ensureAhead(clock.now);
  const catalogs = new CatalogCache(pool);
  const pipeline = new Pipeline({ pool, catalogs, partitions, seal, clock: now, log, maxFuture: config.maxFuture });
  const signals = new InboxSignals(pool);
  const getTools = () => ({ http, clock: now });
  const installation = await openInstallation(config, getTools, () => {}, keepInInbox(pool, seal, now, signals));
  cleanup.push(() => installation.close());
  const state = { stopping: false };
  const health = new Health({ checks: [], clock: now, state });
  const server: App = await buildServer({
    pipeline,
    database,
    catalogs,
    seal,
    clock: now,
    apiKeys: [apiKey],
    publicUrl,
    oidc: null,
    outbound: http,
    receiptAccounts: openReceiptAccounts({ pool, seal, installation: config }),
    installation: nameProviders(installation.providers),
    databaseUrl: url,
    perMinute: 10_000_000,
    tenant: config.tenant,
    log,
    consoleDir: '',
    state,
    health,
  });
  cleanup.push(() => server.close());

  const accounts = new AccountPool({ pool, databaseUrl: url, seal, getTools, log });
  cleanup.push(() => accounts.close());
  await accounts.start();
  const parts = { pool, pipeline, catalogs, seal, clock: now, log, poll: POLL_MS };
  const worker = new DeliveryWorker({
    ...parts,
    name: 'demo',
    databaseUrl: url,
    // The one of the installation has a client of its own.
    providers: new Map([...installation.providers, ['webhook', openWebhooks({ http, clock: now })]]),
    accounts,
    elapsed: now,
    lookPauseFactor: LOOK_PAUSE_FACTOR,
    // Not random: two seeds of one number are the same.
    random: () => 0.5,
    limits: config.limits.channels,
    getTenant: new TenantProfiles(pool).get,
    loadTestTemplate: testTemplates({ pool, catalogs }),
    targets: mapTargets({
      devices: deviceTargets(pool, seal),
      endpoints: new EndpointTargets({ pool, seal, clock: now, random: () => 0.5 }),
    }),
    links: messageLinks(publicUrl, seal),
    needsUnsubscribeLink: true,
  });
  const timers = new TimerWorker({
    ...parts,
    databaseUrl: url,
    calendar: { next: nextOccurrence, label: formatLocalTimeKey },
    elapsed: () => performance.now(),
    rate: 100_000,
  });
  const periods = toMetricPeriods(config.retention);
  const releases = new ReleaseWatcher({ pool, clock: now, log, periods });
  await worker.start();
  await timers.start();
  let commands: readonly (JobWorker | BatchWorker)[] = [];
  const startCommands = () => {
    commands = [JobWorker, BatchWorker].map((Worker) => new Worker({ ...parts, poll: COMMAND_POLL_MS }));
    for (const one of commands) one.start();
  };
  const stopCommands = async () => {
    await Promise.all(commands.map((one) => one.stop()));
    commands = [];
  };
  cleanup.push(async () => {
    await Promise.all([stopCommands(), timers.stop()]);
    await worker.stop();
    await pipeline.drain();
    await signals.flush();
  });
  let partitionsUntil = clock.now;

  const tryCall: TimeMachine['tryCall'] = async (method, path, { tenant, headers, body } = {}) => {
    stopping.throwIfAborted();
    const response = await server.inject({
      method: method as 'GET',
      url: path,
      headers: {
        'x-api-key': apiKey,
        ...(tenant && { 'x-tidings-tenant': tenant }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { payload: body }),
    });
    const isJson = /[/+]json/.test(String(response.headers['content-type'] ?? ''));
    return { status: response.statusCode, body: isJson ? response.json() : response.body };
  };

  /** @param hasMoved whether the clock was moved on, which workers do not notice */
  const settle = async (hasMoved: boolean) => {
    await waitUntilDone(hasMoved);
    if (commands.length > 0) await stopCommands();
  };

  const waitUntilDone = async (hasMoved: boolean) => {
    let wait = MIN_LOOK_MS;
    let last = '';
    let mustWake = hasMoved;
    let looks = 0;
    for (let since = performance.now(); ; await pause(wait)) {
      stopping.throwIfAborted();
      const due = await countDue(pool, clock.now);
      if (due.deliveries + due.timers + due.commands + worker.busy === 0) return;
      // Workers are notified of what is queued: one that is woken without need asks the database several times.
      if (mustWake && due.deliveries > 0) worker.wake();
      if (mustWake && due.timers > 0) timers.wake(clock.now);
      if (due.commands > 0) {
        if (commands.length === 0) startCommands();
        // Answers have taken time; commands go by the clock of the database.
        await setTime(pool, clock.now);
      }
      wait = Math.min(MAX_LOOK_MS, wait * 1.4);
      const left = `${due.deliveries} ${due.timers} ${due.commands} ${worker.busy}`;
      if (left !== last) [since, looks] = [performance.now(), 0];
      last = left;
      looks++;
      const still = performance.now() - since;
      mustWake = looks % LOOKS_PER_WAKE === 0;
      // Behind an open circuit, deliveries wait for a later step, and so does the batch that they are of.
      const mayWait = worker.busy + due.timers === 0 && worker.openCircuits().length > 0;
      if (mayWait && looks > MAX_STILL_LOOKS && still > MAX_STILL_MS) return;
      if (still > MAX_STUCK_MS)
        throw new Error(`nothing goes on: ${left} are due at ${new Date(clock.now).toISOString()}`);
    }
  };

  const machine: TimeMachine = {
    clock,
    tryCall,
    async call(method, path, request) {
      const answer = await retryBusy(
        () => tryCall(method, path, request),
        ({ status }) => status === 503,
      );
      if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
      return answer;
    },
    async ingest(tenant, events) {
      stopping.throwIfAborted();
      await retryBusy(() => pipeline.ingest(tenant, events));
    },
    settle: () => settle(false),
    async moveTo(time) {
      clock.now = Math.max(clock.now, time);
      await setTime(pool, clock.now);
      if (clock.now > partitionsUntil) {
        await partitions.ensureAhead(clock.now);
        partitionsUntil = clock.now + DAY_MS;
      }
      await settle(true);
    },
    async sumUp() {
      for (const tenant of await listWaitingTenants(pool, 'goal_events', '', 100)) {
        while ((await attributeGoals(pool, tenant)) === MAX_ATTRIBUTED);
      }
      for (const tenant of await listWaitingTenants(pool, 'metric_deltas', '', 100)) {
        while ((await foldDeltas(pool, tenant, clock.now, periods)) === MAX_FOLDED_DELTAS);
      }
      await releases.lookOnce();
    },
    close: () => undo(cleanup),
  };
  return machine;
}

/**
 * Calls `work` again while the database does not answer in time, as it may on a machine that has much else to do: what is repeated
 * has no effect.
 */
async function retryBusy<T>(work: () => Promise<T>, isBusy: (result: T) => boolean = () => false): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === MAX_ATTEMPTS;
    try {
      const result = await work();
      if (isLast || !isBusy(result)) return result;
    } catch (error) {
      if (isLast) throw error;
    }
    await pause(BUSY_MS);
  }
}

interface DueCounts {
  readonly deliveries: number;
  /** Waits, schedules, and what is relayed. */
  readonly timers: number;
  /** Batches and jobs. */
  readonly commands: number;
}

/** Returns how much is due and not done. */
async function countDue(pool: pg.Pool, now: Millis): Promise<DueCounts> {
  const { rows } = await pool.query<DueCounts>({
    name: 'count-due',
    text: `select (select count(*) from deliveries where finished_at is null and due_at <= $1) as deliveries,
           (select count(*) from waits where status = 'waiting' and due_at <= $1 and due_at > '-infinity'
              and set_aside_at is null and (retry_at is null or retry_at <= $1))
           + (select count(*) from schedules where next_at <= $1)
           + (select count(*) from outbox_events where due_at <= $1)
           + (select count(*) from webhook_facts where due_at <= $1) as timers,
           (select count(*) from batches where ended_at is null and state <> 'draft' and due_at <= $1)
           + (select count(*) from jobs where ended_at is null and due_at <= $1) as commands`,
    values: [new Date(now).toISOString()],
  });
  return rows[0] ?? { deliveries: 0, timers: 0, commands: 0 };
}
