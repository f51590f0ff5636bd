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

/** Deletes everything of a user, table after table; the request that started it has ended what was under way. */
export const eraseUserAction: JobAction<ErasureFilter> = {
  preview: async () => ({ count: 1, isAtLeast: false, groups: [], sample: [] }),

  async runChunk({ seal, clock }, { scope, cursor, limit }, commit) {
    const { tenantId, filter } = scope;
    const { step, at } = (cursor as unknown as Position | null) ?? { step: 0, at: null };
    await commit(async (connection) => {
      const erasure = await loadOpenErasure(connection, seal, tenantId, filter.erasure_id);
      const current = ERASURE_STEPS[step];
      if (!erasure || !current) {
        await endErasure(connection, tenantId, filter.erasure_id, clock());
        return { cursor: null, done: 1, skipped: 0, failures: [] };
      }
      const left = current.afterSending && erasure.waitUntil !== null ? erasure.waitUntil - clock() : 0;
      if (left > 0)
        return { cursor: { step, at }, done: 0, skipped: 0, failures: [], pause: Math.min(left, MAX_PAUSE_MS) };
      const { rows, at: next } = await current.erase(connection, seal, erasure, at, limit);
      await addErasedCount(connection, tenantId, filter.erasure_id, current.table, rows);
      const position: Position = next === null ? { step: step + 1, at: null } : { step, at: next };
      return { cursor: { ...position }, done: 0, skipped: 0, failures: [] };
    });
  },
};
