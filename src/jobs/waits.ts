import type pg from 'pg';
import type { ChunkResult, WaitFilter } from '../model/job.ts';
import { lockUsers } from '../store/facts/facts.ts';
import { announceTimers } from '../store/waits/failed-waits.ts';
import { previewWaits } from '../store/waits/wait-views.ts';
import { loadUsersWaitingFor, makeDue } from '../store/waits/waits.ts';
import { cancelWaitsOfUsers, checkMigration, checkRuleExists } from '../timers/wait-admin.ts';
import type { Chunk, JobAction } from './action.ts';

/** Cancels the pending waits of a rule, user by user. */
export const cancelWaitsAction: JobAction<WaitFilter> = {
  async check({ pool, catalogs }, { tenantId, filter: { rule } }) {
    const [user] = await loadUsersWaitingFor(pool, tenantId, rule, '', 1);
    if (user === undefined) await checkRuleExists({ catalogs, tenantId, rule });
  },

  preview: ({ pool }, { tenantId, filter }) => previewWaits(pool, tenantId, filter.rule),

  runChunk({ catalogs, clock }, chunk, commit) {
    const { tenantId, filter } = chunk.scope;
    const command = { catalogs, tenantId, rule: filter.rule, now: clock() };
    return commit((connection) =>
      runForUsers(connection, chunk, (userIds) => cancelWaitsOfUsers(connection, command, userIds)),
    );
  },
};

/**
 * Makes the pending waits of a rule due now, user by user, so that the timer fires them: they end as at their time. Those that wait for
 * the absence of an event are left as they are, because it is not known yet.
 */
export const fireWaitsAction: JobAction<WaitFilter> = {
  check: cancelWaitsAction.check!,

  preview: ({ pool }, { tenantId, filter }) => previewWaits(pool, tenantId, filter.rule),

  async runChunk({ pool, clock }, chunk, commit) {
    const { tenantId, filter } = chunk.scope;
    const limit = Math.min(chunk.limit, MAX_MIGRATION_USERS);
    await commit(async (connection) => {
      const userIds = await loadUsersWaitingFor(connection, tenantId, filter.rule, readCursor(chunk), limit);
      if (userIds.length > 0) await lockUsers(connection, tenantId, userIds);
      const { changed, skipped } = await makeDue(connection, { tenantId, rule: filter.rule, now: clock() }, userIds);
      return { cursor: toCursor(userIds, limit, undefined), done: changed, skipped, failures: [] };
    });
    await announceTimers(pool);
  },
};

/** Users whose waits one transaction moves: what happened to them since is loaded. */
const MAX_MIGRATION_USERS = 100;

/** Moves the pending waits of a rule to the active catalog version. */
export const migrateWaitsAction: JobAction<WaitFilter> = {
  async check({ catalogs }, { tenantId, filter: { rule } }) {
    await checkMigration({ catalogs, tenantId, rule });
  },

  preview: ({ pool }, { tenantId, filter }) => previewWaits(pool, tenantId, filter.rule),

  async runChunk({ pool, pipeline, catalogs }, chunk, commit) {
    const { tenantId, filter } = chunk.scope;
    const of = { tenantId, rule: filter.rule };
    await checkMigration({ catalogs, ...of });
    const limit = Math.min(chunk.limit, MAX_MIGRATION_USERS);
    const userIds = await loadUsersWaitingFor(pool, tenantId, filter.rule, readCursor(chunk), limit);
    // A transaction of its own. A wait that was moved stays so when the chunk is repeated.
    const { changed, skipped, lastUserId } =
      userIds.length === 0 ? NOTHING_DONE : await pipeline.migrateWaits(of, userIds);
    await commit(async () => {
      return { cursor: toCursor(userIds, limit, lastUserId), done: changed, skipped, failures: [] };
    });
  },
};

const NOTHING_DONE = { changed: 0, skipped: 0, lastUserId: undefined };

/** Locks the next users who wait in the rule, and runs `work` on them. */
async function runForUsers(
  connection: pg.PoolClient,
  chunk: Chunk<WaitFilter>,
  work: (userIds: readonly string[]) => ReturnType<typeof cancelWaitsOfUsers>,
): Promise<ChunkResult> {
  const { scope, limit } = chunk;
  const { tenantId, filter } = scope;
  const userIds = await loadUsersWaitingFor(connection, tenantId, filter.rule, readCursor(chunk), limit);
  if (userIds.length > 0) await lockUsers(connection, tenantId, userIds);
  const { changed, skipped } = userIds.length > 0 ? await work(userIds) : NOTHING_DONE;
  return { cursor: toCursor(userIds, limit, undefined), done: changed, skipped, failures: [] };
}

/** Returns the id of the user after which the chunk starts; empty: from the first. */
function readCursor({ cursor }: Chunk<WaitFilter>): string {
  return (cursor as { readonly after: string } | null)?.after ?? '';
}

/**
 * Returns the position of the next chunk; null if this one was the last.
 * @param lastUserId the last user whose waits were loaded, which may be before the last of the chunk; undefined: none had any
 */
function toCursor(userIds: readonly string[], limit: number, lastUserId: string | undefined): ChunkResult['cursor'] {
  const last = userIds.at(-1);
  if (lastUserId !== undefined && lastUserId !== last) return { after: lastUserId };
  return last === undefined || userIds.length < limit ? null : { after: last };
}
