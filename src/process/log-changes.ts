import type { Logger } from 'pino';

/** Time in ms between two warnings about data of one table that cannot be opened. */
const MIN_WARN_PAUSE_MS = 60_000;

/** Returns a function that logs once that the clock of this process is wrong, and once that it is right again. */
export function logClock(log: Logger): (offset: string | null) => void {
  return (offset) => {
    if (offset === null) log.info('the clock of this process is right again');
    else
      log.warn(`The clock of this process is ${offset}: it sends nothing and fires no timers until its clock is set.`);
  };
}

/** Returns a function that logs that the API has no login of its own. */
export function logShared(log: Logger): (cause: string) => void {
  return (cause) =>
    log.info(
      `The API uses the login of DATABASE_URL, which is enough for one tenant; a second one needs another login (docs/security.md): ${cause}.`,
    );
}

/** Returns a function that logs that the rows of a default partition have moved, or could not. */
export function logRebuild(log: Logger): (table: string, error: unknown) => void {
  return (table, error) => {
    if (error === null)
      log.info({ table }, 'the rows of the default partition have moved to partitions of their months');
    else log.warn({ err: error, table }, 'the rows of the default partition could not be moved; will retry');
  };
}

/** Returns a function that warns about data that cannot be opened. */
export function warnUnreadable(log: Logger): (table: string) => void {
  const warnedAt = new Map<string, number>();
  return (table) => {
    const now = performance.now();
    if (now - (warnedAt.get(table) ?? Number.NEGATIVE_INFINITY) < MIN_WARN_PAUSE_MS) return;
    warnedAt.set(table, now);
    log.warn(
      { table },
      'sealed data cannot be opened with the current key; rules see masks, and messages wait for their retry',
    );
  };
}
