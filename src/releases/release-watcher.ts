import type pg from 'pg';
import type { Logger } from 'pino';
import { Signal } from '../lib/concurrency/signal.ts';
import { Progress } from '../lib/progress.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { systemActor } from '../model/principal.ts';
import { RELEASE_ACTORS } from '../model/release.ts';
import type { MetricPeriods } from '../store/metrics/counters.ts';
import { loadKeptPeriods } from '../store/metrics/removed-sums.ts';
import { claimReleases, type DueRelease, endRelease, type ReleaseEnd } from '../store/releases/releases.ts';
import { beginScheduled, listDueReleases } from '../store/releases/scheduled-releases.ts';
import { isoTime } from '../time/iso-time.ts';
import { type Comparison, compareVersions } from './compare-versions.ts';
import { findReason, judge } from './judge.ts';
import { toComparisonView } from './views.ts';

export interface ReleaseWatcherOptions {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  readonly log: Logger;
  readonly periods: MetricPeriods;
  /** Pause in ms between two looks for releases. Default RELEASE_POLL_MS. */
  readonly pause?: Millis;
  /** Time in ms between two looks at the same release, by any process. Default 60 s. */
  readonly interval?: Millis;
}

/** Pause (ms) between two looks for releases. */
export const RELEASE_POLL_MS: Millis = 5000;

/** Releases that one statement claims. */
const MAX_CLAIMED = 20;

/** A release that is watched does not finish by itself while metrics are behind by more than this, in ms. */
const MAX_LAG_MS: Millis = 300_000;

const WATCH = systemActor(RELEASE_ACTORS.watch);
const SCHEDULE = systemActor(RELEASE_ACTORS.schedule);

/**
 * Looks at the releases under way, each once a minute in one of the processes with workers: rolls back what exceeds its watch, and
 * finishes what has had its time. Begins those that are scheduled. A process that dies in between has done nothing; the next look is by any other one.
 */
export class ReleaseWatcher {
  readonly #options: Required<ReleaseWatcherOptions>;
  readonly #signal = new Signal();
  readonly #progress = new Progress();
  #isStopping = false;
  #done: Promise<void> = Promise.resolve();

  constructor(options: ReleaseWatcherOptions) {
    this.#options = { pause: RELEASE_POLL_MS, interval: 60_000, ...options };
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Resolves when the look under way has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#signal.set();
    await this.#done;
  }

  /** Time (ms) since the loop last came to its next step, for health reports. */
  get idleTime(): Millis {
    return this.#progress.idleTime;
  }

  async #run(): Promise<void> {
    const { pause, log } = this.#options;
    while (!this.#isStopping) {
      try {
        while (!this.#isStopping && (await this.beginDue()) === MAX_CLAIMED) this.#progress.mark();
        while (!this.#isStopping && (await this.lookOnce()) === MAX_CLAIMED) this.#progress.mark();
      } catch (error) {
        log.warn({ err: error }, 'releases could not be looked at; trying again');
      }
      this.#progress.mark();
      if (!this.#isStopping) await this.#signal.sleep(pause);
    }
  }

  /** Begins the scheduled releases that are due. Returns how many have begun or failed. */
  async beginDue(): Promise<number> {
    const { pool, clock, log } = this.#options;
    const due = await listDueReleases(pool, clock(), MAX_CLAIMED);
    let ended = 0;
    for (const { tenantId, id } of due) {
      if (this.#isStopping) break;
      this.#progress.mark();
      const line = { tenant_id: tenantId, release_id: id };
      try {
        const release = await beginScheduled(pool, tenantId, id, SCHEDULE, clock());
        if (release?.state === 'failed') log.warn({ ...line, reason: release.endReason }, 'a scheduled release failed');
        else if (release) log.info({ ...line, version: release.toVersion }, 'a scheduled release has begun');
        ended++;
      } catch (error) {
        // The others begin all the same, and this one is tried again.
        log.error({ err: error, ...line }, 'a scheduled release did not begin');
      }
    }
    return ended;
  }

  /** Looks at the releases that are due. Returns their number. */
  async lookOnce(): Promise<number> {
    const { pool, clock, interval, log } = this.#options;
    const now = clock();
    const due = await claimReleases(pool, now - interval, now, MAX_CLAIMED);
    for (const one of due) {
      if (this.#isStopping) break;
      this.#progress.mark();
      try {
        await this.#look(one);
      } catch (error) {
        // The others are looked at all the same, and this one again in a minute.
        log.error({ err: error, tenant_id: one.tenantId, release_id: one.release.id }, 'a release was not looked at');
      }
    }
    return due.length;
  }

  async #look({ tenantId, release }: DueRelease): Promise<void> {
    const { pool, clock, periods } = this.#options;
    const now = clock();
    const isOver = release.finishAt !== null && release.finishAt <= now;
    if (release.watch === null && !isOver) return;
    const kept = await loadKeptPeriods(pool, tenantId, periods, now);
    const comparison = await compareVersions({ pool, periods: kept }, tenantId, release, now);
    const verdicts = judge(comparison, release.watch);
    const reason = findReason(verdicts);
    const view = toComparisonView(comparison, verdicts) as unknown as JsonObject;
    if (reason !== undefined) {
      await this.#end({ tenantId, release }, { state: 'rolled_back', reason, comparison: view });
    } else if (isOver && this.#isCurrent(release.watch !== null, comparison, now)) {
      const text = `It was to be finished on ${isoTime(release.finishAt ?? now)}, and its watch found nothing against it.`;
      await this.#end({ tenantId, release }, { state: 'finished', reason: text, comparison: view });
    }
  }

  #isCurrent(isWatched: boolean, { asOf }: Comparison, now: Millis): boolean {
    return !isWatched || asOf >= now - MAX_LAG_MS;
  }

  async #end({ tenantId, release: { id } }: DueRelease, end: ReleaseEnd): Promise<void> {
    const { pool, clock, log } = this.#options;
    await endRelease(pool, tenantId, id, end, WATCH, clock());
    const line = { tenant_id: tenantId, release_id: id, reason: end.reason };
    if (end.state === 'rolled_back') log.warn(line, 'a release was rolled back by its watch');
    else log.info(line, 'a release was finished by its watch');
  }
}
