import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import { createDumpFolder, dumpToFile, rotateDumps, toDumpName } from '../store/dump/dump-file.ts';
import { loadDumpDue, lockDumps, saveLastDump } from '../store/dump/last-dump.ts';
import { MAX_CONNECTIONS } from '../store/pg/connections.ts';
import { openPool } from '../store/pg/pool.ts';
import { dropTimeouts } from '../store/pg/session.ts';
import { isoTime } from '../time/iso-time.ts';

export interface ScheduledDumpsOptions {
  /** For the look whether a dump is due. */
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly seal: Seal;
  /** Version of this program. */
  readonly program: string;
  readonly folder: string;
  /** Interval (ms) between two dumps. */
  readonly every: Millis;
  /** Number of dumps to keep. */
  readonly keep: number;
  readonly log: Logger;
}

/** Longest pause between two looks whether a dump is due, which is also the pause after one that failed. */
const MAX_PAUSE_MS: Millis = 60_000;

/**
 * Dumps the database at an interval, in one process of all that share the database. A dump is read again before it gets its
 * name; only then are old dumps deleted. A process that is killed leaves a file with another name, which the next dump deletes.
 */
export class ScheduledDumps {
  readonly #options: ScheduledDumpsOptions;
  readonly #stopping = new AbortController();
  #done: Promise<void> = Promise.resolve();
  #failure: string | null = null;

  constructor(options: ScheduledDumpsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Aborts the dump under way, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  /** Message of the latest dump of this process if it failed; null: it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  async #run(): Promise<void> {
    const { pool, every, log } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if ((await loadDumpDue(pool, every)).isDue) await this.#dump();
        this.#failure = null;
      } catch (error) {
        if (signal.aborted) return;
        this.#failure = (error as Error).message;
        log.error({ err: error }, 'the scheduled dump failed; the dumps that exist stay; trying again');
      }
      await pause(Math.min(every, MAX_PAUSE_MS), undefined, { signal }).catch(() => {});
    }
  }

  async #dump(): Promise<void> {
    const { databaseUrl, seal, program, folder, every, keep, log } = this.#options;
    const { signal } = this.#stopping;
    // Connections of its own: a dump takes long, and its statements must not time out.
    const timeouts = { query: 0, statement: 0, idleInTransaction: 0 };
    const pool = openPool(dropTimeouts(databaseUrl), {
      max: MAX_CONNECTIONS.dump,
      name: 'tidings scheduled dump',
      timeouts,
    });
    try {
      const connection = await pool.connect();
      try {
        if (!(await lockDumps(connection))) return;
        // Another process may have dumped since the last look.
        const { isDue, now } = await loadDumpDue(connection, every);
        if (!isDue) return;
        await createDumpFolder(folder);
        const name = toDumpName(isoTime(now));
        const file = join(folder, name);
        const { rows } = await dumpToFile(file, { pool, seal, program, tenant: null }, { signal, check: true });
        await saveLastDump(connection, { at: isoTime(now), file, rows });
        const deleted = await rotateDumps(folder, name, keep);
        log.info({ file, rows, deleted }, 'dumped the database');
      } finally {
        // Closed, because its lock belongs to the session.
        connection.release(true);
      }
    } finally {
      await pool.end();
    }
  }
}
