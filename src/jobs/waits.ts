import type pg from 'pg';
import type { ChunkResult, WaitFilter } from '../model/job.ts';
import { lockUsers } from '../store/facts.ts';
import { previewWaits } from '../store/wait-views.ts';
import { loadUsersWaitingFor } from '../store/waits.ts';
import { cancelWaitsOfUsers, checkRuleExists, findMigrationTarget, migrateWaitsOfUsers } from '../timers/wait-admin.ts';
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

/** Moves the pending waits of a rule to the active catalog version. */
export const migrateWaitsAction: JobAction<WaitFilter> = {
  async check({ catalogs }, { tenantId, filter: { rule } }) {
    await findMigrationTarget({ catalogs, tenantId, rule });
  },

  preview: ({ pool }, { tenantId, filter }) => previewWaits(pool, tenantId, filter.rule),

  async runChunk({ catalogs }, chunk, commit) {
    const { tenantId, filter } = chunk.scope;
    const target = await findMigrationTarget({ catalogs, tenantId, rule: filter.rule });
    await commit((connection) =>
      runForUsers(connection, chunk, (userIds) =>
        migrateWaitsOfUsers(connection, { tenantId, rule: filter.rule }, userIds, target),
      ),
    );
  },
};

/** Locks the next users who wait in the rule, and runs `work` on them. */
async function runForUsers(
  connection: pg.PoolClient,
  { scope, cursor, limit }: Chunk<WaitFilter>,
  work: (userIds: readonly string[]) => Promise<{ readonly changed: number; readonly skipped: number }>,
): Promise<ChunkResult> {
  const { tenantId, filter } = scope;
  const after = (cursor as { readonly after: string } | null)?.after ?? '';
  const userIds = await loadUsersWaitingFor(connection, tenantId, filter.rule, after, limit);
  if (userIds.length > 0) await lockUsers(connection, tenantId, userIds);
  const { changed, skipped } = userIds.length > 0 ? await work(userIds) : { changed: 0, skipped: 0 };
  const last = userIds.length < limit ? undefined : userIds.at(-1);
  return { cursor: last === undefined ? null : { after: last }, done: changed, skipped, failures: [] };
}
