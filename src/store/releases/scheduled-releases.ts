import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { type ReleaseStep, SHARE_PARTS } from '../../model/release.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { setFollows } from '../catalog-followers.ts';
import { type LockedCatalog, lockCatalog } from '../locked-catalog.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';
import { HELD_UNTIL } from '../tenants/queues.ts';
import {
  auditRelease,
  endUnderWay,
  loadRelease,
  noRelease,
  RELEASE_COLUMNS,
  releaseEnded,
  type StoredRelease,
  setUnderWay,
} from './releases.ts';

/** Releases that begin by themselves. What became active since one was scheduled is never undone by it: then it fails. */

/** Returns releases that are due, the earliest first. A suspended tenant decides nothing: its release waits, as one that a restore holds. */
export async function listDueReleases(
  pool: pg.Pool,
  now: Millis,
  limit: number,
): Promise<{ readonly tenantId: string; readonly id: string }[]> {
  const { rows } = await pool.query<{ tenantId: string; id: string }>({
    name: 'list-due-releases',
    text: `select tenant_id as "tenantId", release_id::text as id from releases as r
           where state = 'scheduled' and starts_at > '-infinity' and starts_at <= $1 and checked_at < ${HELD_UNTIL}
             and exists (select from tenants as t where t.tenant_id = r.tenant_id and t.status = 'active')
           order by starts_at limit $2`,
    values: [isoTime(now), limit],
  });
  return rows;
}

/**
 * Begins a release that is due, or ends it as failed, in one transaction: of several processes one does it, and one that is killed has
 * done nothing. To all users it is finished at once: no other users are left to compare them with. Returns it as it is then; undefined: it was
 * begun or cancelled meanwhile.
 */
export function beginScheduled(
  pool: pg.Pool,
  tenantId: string,
  id: string,
  by: Actor,
  now: Millis,
): Promise<StoredRelease | undefined> {
  return withTransaction(pool, async (connection) => {
    const locked = await lockCatalog(connection, tenantId);
    const before = await loadRelease(connection, tenantId, id);
    if (before?.state !== 'scheduled' || (before.startsAt ?? 0) > now) return undefined;
    const obstacle = findObstacle(before, locked);
    if (obstacle !== undefined) return endScheduled(connection, tenantId, before, 'failed', obstacle, by, now);
    await setFollows(connection, tenantId, null, now);
    const { share, startsAt, finishAt, startedBy, toVersion: version } = before;
    const steps: readonly ReleaseStep[] = [{ at: now, share, by: startedBy }];
    // It has the time that was asked for, however late it begins.
    const finish = finishAt === null ? null : now + finishAt - (startsAt ?? now);
    const { rows } = await connection.query<StoredRelease>(
      `update releases set state = 'watching', started_at = $3, checked_at = $3, steps = $4, finish_at = $5
       where tenant_id = $1 and release_id = $2 returning ${RELEASE_COLUMNS}`,
      [tenantId, id, isoTime(now), JSON.stringify(steps), isoTimeOrNull(finish)],
    );
    const release = rows[0] as StoredRelease;
    await setUnderWay(connection, tenantId, { id, version, share });
    await auditRelease(connection, tenantId, 'release.started', by, release, now, before);
    if (share < SHARE_PARTS) return release;
    const reason = 'It was scheduled for all users.';
    return endUnderWay(connection, tenantId, release, { state: 'finished', reason, comparison: null }, by, now);
  });
}

/** Returns why a release cannot begin. */
function findObstacle(
  { fromVersion, toVersion }: StoredRelease,
  { active, release }: Pick<LockedCatalog, 'active' | 'release'>,
): string | undefined {
  if (release !== null)
    return `It could not begin: version ${release.version} was being released by release ${release.id}.`;
  if (active?.version === fromVersion) return undefined;
  return `It could not begin: version ${active?.version ?? 0} had become active since it was scheduled, when version ${fromVersion} was. Compare version ${toVersion} with that, and release it again.`;
}

/**
 * Cancels a release that is scheduled. A repetition changes nothing. Returns undefined if it has begun meanwhile.
 * @throws TidingsError `not_found`, `release_ended`
 */
export function cancelScheduled(
  pool: pg.Pool,
  tenantId: string,
  id: string,
  reason: string | null,
  by: Actor,
  now: Millis,
): Promise<StoredRelease | undefined> {
  return withTransaction(pool, async (connection) => {
    await lockCatalog(connection, tenantId);
    const before = await loadRelease(connection, tenantId, id);
    if (!before) throw noRelease();
    if (before.state === 'cancelled') return before;
    if (before.state === 'watching') return undefined;
    if (before.state !== 'scheduled') throw releaseEnded(before);
    return endScheduled(connection, tenantId, before, 'cancelled', reason, by, now);
  });
}

async function endScheduled(
  connection: Connection,
  tenantId: string,
  before: StoredRelease,
  state: 'cancelled' | 'failed',
  reason: string | null,
  by: Actor,
  now: Millis,
): Promise<StoredRelease> {
  const { rows } = await connection.query<StoredRelease>(
    `update releases set state = $3, ended_at = $4, ended_by = $5, end_reason = $6
     where tenant_id = $1 and release_id = $2 returning ${RELEASE_COLUMNS}`,
    [tenantId, before.id, state, isoTime(now), JSON.stringify(by), reason],
  );
  const release = rows[0] as StoredRelease;
  await auditRelease(connection, tenantId, `release.${state}`, by, release, now, before);
  return release;
}
