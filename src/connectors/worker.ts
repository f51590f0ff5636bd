import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { Millis } from '../model/event.ts';
import { type ClaimedTask, claimTasks, createTaskLanes, putOffTasks, releaseTask } from '../store/connectors/tasks.ts';
import type { AttemptEnd } from './attempt.ts';
import { MissingSecrets } from './missing-secrets.ts';
import type { ConnectorParts } from './parts.ts';
import { ServiceCircuits } from './service-circuits.ts';

type StoredParts = Omit<ConnectorParts, 'client' | 'references'>;

export interface ConnectorWorkerOptions extends StoredParts {
  readonly log: Logger;
  /** Loads what makes the calls, when the first task is due. */
  readonly load: () => Promise<{
    readonly parts: Pick<ConnectorParts, 'client' | 'references'>;
    readonly run: (parts: ConnectorParts, task: ClaimedTask, signal: AbortSignal) => Promise<AttemptEnd>;
  }>;
  /** Whether this process may act now: not while its clock is wrong. Default: always. */
  readonly mayAct?: () => boolean;
  /** Duration of a claim in ms; the calls of an attempt end a second before it. Default 60 s. */
  readonly lease?: Millis;
  /** Pause between two looks at the queue in ms. Default 1 s. */
  readonly poll?: Millis;
  /** Tasks at once. Default 16. */
  readonly slots?: number;
}

/** Time in ms between the end of the calls of an attempt and that of its claim, in which it is recorded. */
const RECORDING_MS: Millis = 1000;

/**
 * Works on tasks of connectors, some at once: a service that is slow for one user, or fails, holds up no other one until all places
 * are taken, and then tenants have equal shares. Several workers share the tasks through claims.
 */
export class ConnectorWorker {
  readonly #options: Required<ConnectorWorkerOptions>;
  readonly #signal = new Signal();
  readonly #progress = new Progress();
  readonly #lanes = createTaskLanes();
  readonly #running = new Set<Promise<void>>();
  readonly #circuits = new ServiceCircuits();
  readonly #missing: MissingSecrets;
  readonly #ending = new AbortController();
  #done: Promise<void> = Promise.resolve();

  constructor({ lease = 60_000, poll = 1000, slots = 16, mayAct = () => true, ...options }: ConnectorWorkerOptions) {
    this.#options = { lease, poll, slots, mayAct, ...options };
    this.#missing = new MissingSecrets(options.environment.tenantId);
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Looks at the queue now. */
  wake(): void {
    this.#lanes.reset();
    this.#signal.set();
  }

  /** Claims nothing more, ends the calls under way, and resolves when their tasks are left to others. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#signal.set();
    await this.#done;
    await Promise.all(this.#running);
  }

  /** Time (ms) since the loop last came to its next step, for health reports. */
  get idleTime(): Millis {
    return this.#progress.idleTime;
  }

  /** Returns why tasks wait for an operator of the installation, for health reports; undefined: none does. */
  get problem(): { readonly cause: string; readonly hint: string } | undefined {
    const missing = this.#missing.count(performance.now());
    if (missing === 0) return undefined;
    return {
      cause: `tasks of ${missing === 1 ? '1 connector' : `${missing} connectors`} wait, because a secret is missing in this process`,
      hint: 'see `tidings connectors list`; set the secret, or give all processes with workers the same environment',
    };
  }

  async #run(): Promise<void> {
    const { poll, mayAct, log } = this.#options;
    while (!this.#ending.signal.aborted) {
      this.#progress.mark();
      try {
        if (mayAct() && (await this.#claim())) continue;
      } catch (error) {
        log.warn({ err: error }, 'tasks of connectors could not be read; trying again');
      }
      if (!this.#ending.signal.aborted) await this.#signal.sleep(poll);
    }
  }

  /** Claims as many tasks as there are places. Returns whether there may be more. */
  async #claim(): Promise<boolean> {
    const { pool, clock, lease, slots } = this.#options;
    const free = slots - this.#running.size;
    if (free <= 0) return false;
    const now = clock();
    const tasks = await claimTasks(pool, now, now + lease, free, this.#lanes);
    if (tasks.length === 0) return false;
    for (const task of tasks) {
      const running: Promise<void> = this.#work(task).finally(() => {
        this.#running.delete(running);
        this.#signal.set();
      });
      this.#running.add(running);
    }
    return tasks.length === free;
  }

  async #work(task: ClaimedTask): Promise<void> {
    const { load, log, lease, ...parts } = this.#options;
    let end: AttemptEnd | undefined;
    try {
      const wait = this.#circuits.admit(task, performance.now());
      if (wait > 0) return await this.#putOff(task, wait);
      const { parts: loaded, run } = await load();
      const late = AbortSignal.timeout(Math.max(RECORDING_MS, lease - RECORDING_MS));
      end = await run({ ...parts, ...loaded }, task, AbortSignal.any([late, this.#ending.signal]));
    } catch (error) {
      if (this.#ending.signal.aborted) return this.#release(task);
      const line = { err: error, tenant_id: task.tenantId, task_id: task.taskId, connector: task.connector };
      log.warn(line, 'a task of a connector failed; will retry when its claim expires');
    } finally {
      this.#circuits.note(task, end ?? 'not_called', performance.now());
    }
    if (end === undefined || !this.#missing.note(task, end, performance.now())) return;
    log.warn(
      { connector: task.connector },
      'a secret of a connector is missing in this process; its tasks wait for it',
    );
  }

  /** Puts off a task of a service that gives no answer, and others of it that are due. */
  async #putOff(task: ClaimedTask, wait: Millis): Promise<void> {
    const { pool, clock } = this.#options;
    const now = clock();
    await putOffTasks(pool, task, now, now + Math.ceil(wait));
  }

  /** Leaves a task to another worker at once; if that fails, at the end of the claim. */
  async #release(task: ClaimedTask): Promise<void> {
    const { pool, log } = this.#options;
    await releaseTask(pool, task).catch((error: unknown) =>
      log.warn({ err: error }, 'a task of a connector stays claimed'),
    );
  }
}
