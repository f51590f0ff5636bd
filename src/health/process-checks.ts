import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Millis } from '../model/event.ts';
import { type HealthCheck, OK } from './check.ts';

/** Time (ms) without progress, beyond its longest pause, after which a loop counts as stuck: three times the query timeout. */
const MAX_IDLE_MS: Millis = 180_000;
/** Time (ms) for which the process may be blocked before that is reported. */
const MAX_BLOCKED_MS: Millis = 1000;
const EVENT_LOOP_MAX_AGE_MS: Millis = 5000;
const EVENT_LOOP_RESOLUTION_MS: Millis = 100;
/** Delay (ms) of the last timers from which on they are reported. */
const MAX_BEHIND_MS: Millis = 60_000;

/** A loop of this process that has to come round again and again. */
export interface WorkLoop {
  readonly name: string;
  /** Its longest pause in ms. */
  readonly poll: Millis;
  /** Returns the time (ms) since it last made progress. */
  idleTime(): Millis;
  /** Returns how late (ms) its last work was; absent: that is not measured. */
  behind?(): Millis;
  /** Returns when the database was restored, if the loop does not run until an operator resumes it; null: it runs. */
  pausedSince?(): string | null;
  /** Returns what keeps some of its work from being done, which it waits for; undefined, or absent: nothing. */
  findProblem?(): { readonly cause: string; readonly hint: string } | undefined;
}

/** Returns whether a loop stands still: it waits for something that does not come. */
export function isStuck(loop: WorkLoop): boolean {
  return !loop.pausedSince?.() && loop.idleTime() > loop.poll + MAX_IDLE_MS;
}

/** Checks that a loop makes progress, lacks nothing, and is not far behind. */
export function checkLoop(loop: WorkLoop): HealthCheck {
  return {
    name: loop.name,
    maxAge: 0,
    whenUnknown: 'degraded',
    run() {
      const pausedSince = loop.pausedSince?.();
      if (pausedSince) {
        return {
          status: 'degraded',
          since: Date.parse(pausedSince),
          cause: `paused since the restore at ${pausedSince}`,
          hint: 'run tidings resume when the restored database is to send and fire again',
        };
      }
      if (isStuck(loop)) {
        return {
          status: 'degraded',
          cause: `the loop has stood still for ${Math.round(loop.idleTime() / 1000)} s`,
          hint: 'restart this process; other workers go on meanwhile',
        };
      }
      const problem = loop.findProblem?.();
      if (problem) return { status: 'degraded', ...problem };
      const behind = loop.behind?.() ?? 0;
      if (behind <= MAX_BEHIND_MS) return OK;
      return {
        status: 'degraded',
        cause: `${Math.round(behind / 1000)} s behind`,
        hint: 'it catches up, the oldest first; to be faster, raise TIDINGS_TIMER_RATE or start more workers',
      };
    },
  };
}

/** Checks that nothing blocks this process. Measures from the first run on, and between two runs. */
export function checkEventLoop(): HealthCheck {
  let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return {
    name: 'event_loop',
    maxAge: EVENT_LOOP_MAX_AGE_MS,
    whenUnknown: 'degraded',
    run() {
      if (!histogram) {
        histogram = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
        histogram.enable();
        return OK;
      }
      const blocked = histogram.max / 1e6;
      histogram.reset();
      if (blocked <= MAX_BLOCKED_MS) return OK;
      return {
        status: 'degraded',
        cause: `the process was blocked for ${(blocked / 1000).toFixed(1)} s`,
        hint: 'give it more CPU, or start more processes',
      };
    },
  };
}
