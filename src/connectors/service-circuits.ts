import { CircuitBreaker, OPENING_WEIGHT } from '../lib/concurrency/circuit-breaker.ts';
import type { Millis } from '../model/event.ts';
import type { ClaimedTask } from '../store/connectors/tasks.ts';
import type { AttemptEnd } from './attempt.ts';

/** Calls in a row without an answer after which a service is left alone. */
const MAX_SILENT_CALLS = 5;
/** Time (ms) for which other tasks wait while one finds out whether the service answers again. */
const PROBE_MS: Millis = 10_000;
/** Services that are remembered; beyond it, all are forgotten. */
const MAX_SERVICES = 10_000;

interface Service {
  readonly breaker: CircuitBreaker;
  /** The task that finds out whether it answers again. */
  probe: string | undefined;
}

/**
 * Circuits of the services of connectors, in this process: calls to one that gives no answer take their whole time, and would take all
 * places from the others. Its tasks are put off, which is no attempt.
 */
export class ServiceCircuits {
  readonly #services = new Map<string, Service>();

  /** Returns for how long (ms) a task is to be put off; 0: it may run. @param now of a monotonic clock */
  admit(task: ClaimedTask, now: Millis): Millis {
    const service = this.#services.get(toKey(task));
    const state = service?.breaker.state(now) ?? 'closed';
    if (!service || state === 'closed') return 0;
    if (state === 'open') return Math.max(1, service.breaker.openUntil - now);
    if (service.probe !== undefined && service.probe !== task.taskId) return PROBE_MS;
    service.probe = task.taskId;
    return 0;
  }

  /** Notes how an attempt ended. */
  note(task: ClaimedTask, end: AttemptEnd, now: Millis): void {
    const key = toKey(task);
    const service = this.#services.get(key);
    if (service?.probe === task.taskId) service.probe = undefined;
    if (end === 'answered') this.#services.delete(key);
    if (end !== 'silent') return;
    const failing = service ?? { breaker: new CircuitBreaker(), probe: undefined };
    failing.breaker.failed(now, OPENING_WEIGHT / MAX_SILENT_CALLS);
    if (!service && this.#services.size >= MAX_SERVICES) this.#services.clear();
    this.#services.set(key, failing);
  }
}

function toKey({ tenantId, connector }: ClaimedTask): string {
  return `${tenantId}\n${connector}`;
}
