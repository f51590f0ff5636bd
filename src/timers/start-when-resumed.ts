import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { loadPause } from '../store/pause.ts';

export interface DeferredStart {
  /** When the database was restored, as long as the start waits for `tidings resume`; null: the work has started. */
  pausedSince(): string | null;
  /** No longer waits. Resolves when a start under way has ended. */
  stop(): Promise<void>;
}

/**
 * Starts work on this database: at once, or, if it was restored, when an operator resumes it. Afterwards nothing looks at the
 * pause: a database is restored only while no process runs on it.
 *
 * @param poll interval (ms) of looking whether it was resumed
 */
export async function startWhenResumed(
  pool: pg.Pool,
  { poll, log, start }: { readonly poll: Millis; readonly log: Logger; readonly start: () => Promise<void> },
): Promise<DeferredStart> {
  const stopping = new AbortController();
  let since = (await loadPause(pool))?.since ?? null;
  if (since === null) {
    await start();
    return { pausedSince: () => null, stop: async () => {} };
  }
  log.warn({ since }, 'the database was restored: nothing is sent or fired until you run tidings resume');
  const waiting = waitForResume();
  return {
    pausedSince: () => since,
    async stop() {
      stopping.abort();
      await waiting;
    },
  };

  async function waitForResume(): Promise<void> {
    while (since !== null && !stopping.signal.aborted) {
      await pause(poll, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        if (await loadPause(pool)) continue;
        await start();
        since = null;
        log.info('resumed: the workers send and fire again');
      } catch (error) {
        log.warn({ err: error }, 'the workers could not be started; trying again');
      }
    }
  }
}
