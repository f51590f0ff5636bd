import { setTimeout as pause } from 'node:timers/promises';
import type { Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { CheckResult, CheckStatus, HealthCheck } from './check.ts';
import { describeDatabaseError } from './database-error.ts';

/** Longest time (ms) that a report waits for its checks: shorter than the usual timeout of a probe, which is 1 s. */
const MAX_REPORT_WAIT_MS: Millis = 800;
/** Time (ms) after which a check that has not ended counts as unknown. */
const CHECK_TIMEOUT_MS: Millis = 3000;

/** A check as a report shows it. */
export interface CheckView {
  readonly name: string;
  readonly status: CheckStatus;
  /** ISO 8601 in UTC. */
  readonly since: string;
  readonly cause?: string;
  readonly hint?: string;
  readonly lag_seconds?: number;
}

interface Entry {
  readonly check: HealthCheck;
  result?: CheckResult;
  /** When the status was first seen, by the clock. */
  since: Millis;
  /** When the result was made, and when the run under way started; by the monotonic clock. */
  checkedAt: Millis;
  startedAt: Millis;
  running?: Promise<void>;
}

export interface MonitorOptions {
  readonly checks: readonly HealthCheck[];
  readonly clock: () => Millis;
  /** A monotonic clock in ms. Default: that of the process. */
  readonly elapsed?: () => Millis;
}

/**
 * Runs checks when a report is asked for, and keeps their results: probes that come often cost nothing, and each check runs
 * once at a time. A check that is slow delays a report by MAX_REPORT_WAIT_MS at most; until it ends, its last result counts,
 * and after CHECK_TIMEOUT_MS its `whenUnknown`.
 */
export class HealthMonitor {
  readonly #entries: readonly Entry[];
  readonly #clock: () => Millis;
  readonly #elapsed: () => Millis;

  constructor({ checks, clock, elapsed = () => performance.now() }: MonitorOptions) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#entries = checks.map((check) => ({ check, since: 0, checkedAt: 0, startedAt: 0 }));
  }

  /** Returns the checks in their order. Never rejects. */
  async report(): Promise<CheckView[]> {
    const running = this.#entries.flatMap((entry) => this.#start(entry) ?? []);
    if (running.length > 0) {
      const end = new AbortController();
      const wait = pause(MAX_REPORT_WAIT_MS, undefined, { signal: end.signal }).catch(() => {});
      await Promise.race([Promise.all(running), wait]);
      end.abort();
    }
    return this.#entries.map((entry) => this.#view(entry));
  }

  /** Starts a check whose result is too old. Returns the run to wait for; undefined: the present result counts. */
  #start(entry: Entry): Promise<void> | undefined {
    const now = this.#elapsed();
    // A report that came before has waited for a run that hangs.
    if (entry.running) return now - entry.startedAt < MAX_REPORT_WAIT_MS ? entry.running : undefined;
    if (entry.result && now - entry.checkedAt < entry.check.maxAge) return undefined;
    entry.startedAt = now;
    entry.running = this.#run(entry);
    return entry.running;
  }

  async #run(entry: Entry): Promise<void> {
    try {
      this.#save(entry, await entry.check.run());
    } catch (error) {
      this.#save(entry, { status: entry.check.whenUnknown, ...describeDatabaseError(error) });
    } finally {
      entry.checkedAt = this.#elapsed();
      delete entry.running;
    }
  }

  #save(entry: Entry, result: CheckResult): void {
    if (entry.result?.status !== result.status) entry.since = this.#clock();
    entry.result = result;
  }

  #view(entry: Entry): CheckView {
    const { check, running } = entry;
    const isOverdue = running !== undefined && this.#elapsed() - entry.startedAt >= CHECK_TIMEOUT_MS;
    if (isOverdue || entry.result === undefined) this.#save(entry, { status: check.whenUnknown, ...NO_RESPONSE });
    const { status, since = entry.since, cause, hint, lag } = entry.result as CheckResult;
    return {
      name: check.name,
      status,
      since: isoTime(since),
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
      ...(lag === undefined ? {} : { lag_seconds: lag / 1000 }),
    };
  }
}

const NO_RESPONSE = {
  cause: 'the check has not responded in time',
  hint: 'look at the load and the locks of the database (pg_stat_activity), and at the load of this machine',
};
