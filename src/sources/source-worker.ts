import { setTimeout as sleep } from 'node:timers/promises';
import type { CatalogCache } from '../catalog/cache.ts';
import { describeKafkaError } from '../kafka/errors.ts';
import { waitAtMost } from '../lib/concurrency/wait-at-most.ts';
import { LookupCache } from '../lib/lookup-cache.ts';
import type { SourceState } from '../model/source.ts';
import { loadTenantState, type TenantState } from '../store/tenants/tenant-state.ts';
import { FailingTopics } from './failing-topics.ts';
import { GroupSession, type GroupSessionParts } from './group-session.ts';
import { loadReaders } from './readers.ts';

export interface SourceWorkerParts
  extends Omit<GroupSessionParts, 'findTenant' | 'forgetTenants' | 'onRead' | 'onProblem' | 'failing'> {
  readonly catalogs: CatalogCache;
  /** The tenant of the installation. */
  readonly tenant: string;
}

/** Pauses (ms) between two tries while the brokers cannot be used. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
/** A session that has lasted so long (ms) counts as one that worked. */
const STABLE_MS = 30_000;
/** Time (ms) that a stop waits for the group to be left: brokers that hang must not keep other work from its orderly end. */
const MAX_STOP_MS = 3000;
/** Tenants of records that are remembered, and for how long (ms). */
const MAX_TENANTS = 1000;
const TENANT_AGE_MS = 5000;

/**
 * Reads the topics of all sources as one member of the consumer group. A session lasts until the brokers or the topics change;
 * then there is a new one, which goes on from the positions in PostgreSQL.
 */
export class SourceWorker {
  readonly #parts: SourceWorkerParts;
  readonly #stopping = new AbortController();
  readonly #tenants: LookupCache<TenantState>;
  #running: Promise<void> | undefined;
  #problem: string | null = null;
  #session: GroupSession | undefined;
  readonly #failing = new FailingTopics();

  constructor(parts: SourceWorkerParts) {
    this.#parts = parts;
    this.#tenants = new LookupCache({
      max: MAX_TENANTS,
      ttl: TENANT_AGE_MS,
      load: (id) => loadTenantState(parts.pool, id),
    });
  }

  start(): void {
    this.#running = this.#run();
  }

  /**
   * Resolves when nothing is being decided, and the group is left, or the brokers have not answered for MAX_STOP_MS: then a transaction
   * under way commits or is undone as a whole.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#session?.end(undefined);
    if (this.#running) await waitAtMost(MAX_STOP_MS, this.#running);
  }

  get state(): SourceState {
    const { missing = [], leaderless = [], lag = new Map<string, number>() } = this.#session ?? {};
    const withoutLeader = leaderless.map((topic) => [topic, 'a partition has no leader'] as const);
    const failing = new Map([...this.#failing.causes, ...withoutLeader]);
    return { problem: this.#problem, missing, failing, lag };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let retry = FIRST_RETRY_MS;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        const hasReaders = await this.#runSession();
        if (!hasReaders) {
          this.#problem = null;
          await sleep(this.#parts.poll, undefined, { signal }).catch(() => {});
        }
        retry = FIRST_RETRY_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (performance.now() - began > STABLE_MS) retry = FIRST_RETRY_MS;
        this.#tell(error);
        await sleep(retry, undefined, { signal }).catch(() => {});
        retry = Math.min(retry * 2, LAST_RETRY_MS);
      }
    }
  }

  /** Returns false if there is nothing to read. @throws why the session ended, unless topics or pauses have changed */
  async #runSession(): Promise<boolean> {
    const { settings, tenant, mayAct } = this.#parts;
    if (!mayAct()) return false;
    const load = () => loadReaders(this.#parts, settings, tenant);
    const readers = await load();
    if (readers.size === 0) return false;
    const session = new GroupSession(
      {
        ...this.#parts,
        findTenant: (id) => this.#tenants.find(id),
        forgetTenants: () => this.#tenants.clear(),
        onRead: () => this.#recover(),
        onProblem: (error) => this.#tell(error),
        failing: this.#failing,
      },
      readers,
      load,
    );
    this.#session = session;
    try {
      await session.run(this.#stopping.signal);
      return true;
    } finally {
      this.#session = undefined;
    }
  }

  #recover(): void {
    if (this.#problem === null) return;
    this.#problem = null;
    this.#parts.log.info('Kafka is read again');
  }

  /** Logs a problem once, until it is another one or over. */
  #tell(error: unknown): void {
    const problem = describeKafkaError(error);
    if (problem === this.#problem) return;
    this.#problem = problem;
    // Messages of the client name brokers, never secrets.
    this.#parts.log.warn({ err: error }, `Kafka is not read: ${problem}; trying again`);
  }
}
