import type pg from 'pg';
import type { ChunkResult, SetAsideWaitFilter } from '../model/job.ts';
import { lockUsers } from '../store/facts/facts.ts';
import {
  announceTimers,
  loadSetAside,
  previewSetAside,
  retrySetAside,
  type SetAsidePosition,
} from '../store/waits/failed-waits.ts';
import { dismissWaits } from '../timers/wait-admin.ts';
import type { Chunk, JobAction, JobParts } from './action.ts';

const preview: JobAction<SetAsideWaitFilter>['preview'] = ({ pool }, { tenantId, filter, startedAt }) =>
  previewSetAside(pool, { tenantId, rule: filter.rule, until: startedAt });

/** Lets the timer try waits again that are set aside; what is due is fired at once. */
export const retryWaitsAction: JobAction<SetAsideWaitFilter> = {
  preview,

  async runChunk({ pool }, chunk, commit) {
    await commit(async (connection) => {
      const waits = await loadChunk(connection, chunk);
      const done = await retrySetAside(connection, chunk.scope.tenantId, waits);
      return { cursor: toCursor(waits, chunk), done, skipped: waits.length - done, failures: [] };
    });
    await announceTimers(pool);
  },
};

/** Ends waits that are set aside, without firing them. */
export const dismissWaitsAction: JobAction<SetAsideWaitFilter> = {
  preview,

  runChunk: ({ catalogs, clock }: JobParts, chunk, commit) =>
    commit(async (connection) => {
      const { tenantId } = chunk.scope;
      const waits = await loadChunk(connection, chunk);
      const userIds = [...new Set(waits.map(({ userId }) => userId))];
      if (userIds.length > 0) await lockUsers(connection, tenantId, userIds);
      const { looked, dismissed } = await dismissWaits(connection, { catalogs, tenantId, now: clock() }, waits);
      const cursor = looked < waits.length ? toPosition(waits[looked - 1]) : toCursor(waits, chunk);
      return { cursor, done: dismissed, skipped: looked - dismissed, failures: [] };
    }),
};

function loadChunk(
  connection: pg.PoolClient,
  { scope: { tenantId, filter, startedAt }, cursor, limit }: Chunk<SetAsideWaitFilter>,
): Promise<SetAsidePosition[]> {
  const after = cursor as unknown as SetAsidePosition | null;
  return loadSetAside(connection, { tenantId, rule: filter.rule, until: startedAt }, after, limit);
}

/** Returns the position of the next chunk; null if this one was the last. */
function toCursor(waits: readonly SetAsidePosition[], { limit }: Chunk<SetAsideWaitFilter>): ChunkResult['cursor'] {
  return waits.length < limit ? null : toPosition(waits.at(-1));
}

function toPosition(wait: SetAsidePosition | undefined): ChunkResult['cursor'] {
  return wait ? { userId: wait.userId, waitId: wait.waitId } : null;
}
