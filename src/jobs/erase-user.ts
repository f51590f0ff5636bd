import type { ErasureFilter } from '../model/job.ts';
import { ERASURE_STEPS } from '../store/erasure/erase-rows.ts';
import { addErasedCount, endErasure, loadOpenErasure } from '../store/erasure/open-erasures.ts';
import type { JobAction } from './action.ts';

/** Position of an erasure: a step, and the place within it. */
interface Position {
  readonly step: number;
  readonly at: string | null;
}

/** Longest pause in ms while messages that were being sent end. */
const MAX_PAUSE_MS = 5000;

/** Time in ms after which a chunk goes on to no further step. */
const MAX_CHUNK_MS = 100;

/** Deletes everything of a user, table after table; the request that started it has ended what was under way. */
export const eraseUserAction: JobAction<ErasureFilter> = {
  preview: async () => ({ count: 1, isAtLeast: false, groups: [], sample: [] }),

  async runChunk({ seal, clock }, { scope, cursor, limit }, commit) {
    const { tenantId, filter } = scope;
    const { step, at } = (cursor as unknown as Position | null) ?? { step: 0, at: null };
    await commit(async (connection) => {
      const erasure = await loadOpenErasure(connection, seal, tenantId, filter.erasure_id);
      const startedAt = performance.now();
      for (let position: Position = { step, at }; ; ) {
        const current = ERASURE_STEPS[position.step];
        if (!erasure || !current) {
          await endErasure(connection, tenantId, filter.erasure_id, clock());
          return { cursor: null, done: 1, skipped: 0, failures: [] };
        }
        const left = current.afterSending && erasure.waitUntil !== null ? erasure.waitUntil - clock() : 0;
        if (left > 0)
          return { cursor: { ...position }, done: 0, skipped: 0, failures: [], pause: Math.min(left, MAX_PAUSE_MS) };
        const { rows, at: next } = await current.erase(connection, seal, erasure, position.at, limit);
        await addErasedCount(connection, tenantId, filter.erasure_id, current.table, rows);
        position = next === null ? { step: position.step + 1, at: null } : { step: position.step, at: next };
        // Most steps of most users have nothing to erase.
        const goesOn = rows === 0 && next === null && performance.now() - startedAt < MAX_CHUNK_MS;
        if (!goesOn) return { cursor: { ...position }, done: 0, skipped: 0, failures: [] };
      }
    });
  },
};
