import type pg from 'pg';
import { TidingsError } from '../../errors.ts';
import { freshId } from '../../lib/fresh-id.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import {
  type ReleaseState,
  type ReleaseStep,
  type ReleaseUnderWay,
  type ReleaseWatch,
  SHARE_PARTS,
} from '../../model/release.ts';
import { DAY_MS, isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import { setFollows, updateFollowers } from '../catalog-followers.ts';
import { activate, lockCatalog, requireNoRelease, storeVersion, toContent } from '../locked-catalog.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';

/** Releases of catalog versions. Each step is one transaction under the lock of the catalog, and stands in the audit log. */

export interface StoredRelease {
  readonly id: string;
  readonly fromVersion: number;
  readonly toVersion: number;
  readonly state: ReleaseState;
  /** Users of SHARE_PARTS. */
  readonly share: number;
  readonly steps: readonly ReleaseStep[];
  readonly note: string | null;
  readonly watch: ReleaseWatch | null;
  readonly finishAt: Millis | null;
  /** When it begins, or was to begin, by itself; null: it began by command. */
  readonly startsAt: Millis | null;
  /** Null: it has not begun. */
  readonly startedAt: Millis | null;
  readonly startedBy: Actor;
  readonly endedAt: Millis | null;
  readonly endedBy: Actor | null;
  readonly endReason: string | null;
  /** Both versions as they were compared when it ended. */
  readonly comparison: JsonObject | null;
}

export const RELEASE_COLUMNS = `release_id::text as id, from_version as "fromVersion", to_version as "toVersion", state, share, steps, note, watch,
  finish_at as "finishAt", starts_at as "startsAt", started_at as "startedAt", started_by as "startedBy", ended_at as "endedAt", ended_by as "endedBy",
  end_reason as "endReason", comparison`;

/** A start that has just passed is now: clocks differ. */
const MAX_LATE_MS: Millis = 60_000;
/** Longest time (ms) from now to a start. */
const MAX_AHEAD_MS: Millis = 90 * DAY_MS;

/** A release to start: a version that is stored already, or a content, which becomes the next one. */
export interface NewRelease {
  /** The same for a repetition. */
  readonly operationId: string;
  readonly version: number | CatalogData;
  /** The files that the content is made from. */
  readonly files?: ReadonlyMap<string, string>;
  readonly share: number;
  readonly note: string | null;
  readonly watch: ReleaseWatch | null;
  readonly finishAt: Millis | null;
  /** When it begins by itself; null: at once. */
  readonly startsAt: Millis | null;
  /** The active version, as the caller knows it; undefined: any. */
  readonly expected: number | undefined;
}

/**
 * Starts a release, or stores one that begins later (scheduled-releases.ts). From its start on the tenant follows no other one. A
 * repetition returns the release as it is.
 * @throws TidingsError `release_under_way`, also if another one is scheduled and this one would be, `not_found` for a version that was never applied, `invalid_request` if there is no active
 *   version, or it is the same, `outdated` if another version than the expected one is active
 */
export function startRelease(
  pool: pg.Pool,
  tenantId: string,
  { operationId, version: wanted, files, share, note, watch, finishAt, startsAt, expected }: NewRelease,
  by: Actor,
  now: Millis,
  outdated: (version: number) => TidingsError,
): Promise<StoredRelease> {
  return withTransaction(pool, async (connection) => {
    const locked = await lockCatalog(connection, tenantId);
    const { rows: known } = await connection.query<StoredRelease>(
      `select ${RELEASE_COLUMNS} from releases where tenant_id = $1 and operation_id = $2`,
      [tenantId, operationId],
    );
    if (known[0]) return known[0];
    const { active } = locked;
    if (expected !== undefined && expected !== (active?.version ?? 0)) throw outdated(active?.version ?? 0);
    requireNoRelease(locked);
    if (startsAt !== null) {
      requireSoon(startsAt, now);
      await requireNoneScheduled(connection, tenantId);
    }
    if (!active) throw invalid('No catalog is active. Apply one first; then later ones can be released.');
    const content = typeof wanted === 'number' ? undefined : toContent(wanted, files);
    if (wanted === active.version || content?.hash === active.content_hash)
      throw invalid(`Version ${active.version} is active for all users already.`);
    if (typeof wanted === 'number' && (await loadHashOfVersion(connection, tenantId, wanted)) === undefined)
      throw new TidingsError('not_found', `There is no catalog version ${wanted}; see /api/v1/catalog/versions.`, {
        pointer: '/version',
      });
    if (startsAt === null) await setFollows(connection, tenantId, null, now);
    const version = content ? await storeVersion(connection, locked, content, by, now) : (wanted as number);
    const id = freshId();
    const steps: readonly ReleaseStep[] = startsAt === null ? [{ at: now, share, by }] : [];
    const { rows } = await connection.query<StoredRelease>(
      `insert into releases (tenant_id, release_id, operation_id, from_version, to_version, state, share, steps, note, watch, finish_at, starts_at,
                             started_at, started_by, checked_at)
       values ($1, $2, $12, $3, $4, case when $13::timestamptz is null then 'watching' else 'scheduled' end, $5, $6, $7, $8, $9, $13,
               case when $13::timestamptz is null then $10::timestamptz end, $11, $10)
       returning ${RELEASE_COLUMNS}`,
      [
        ...[tenantId, id, active.version, version, share, JSON.stringify(steps), note],
        ...[watch && JSON.stringify(watch), isoTimeOrNull(finishAt), isoTime(now), JSON.stringify(by), operationId],
        isoTimeOrNull(startsAt),
      ],
    );
    const release = rows[0] as StoredRelease;
    if (startsAt === null) await setUnderWay(connection, tenantId, { id, version, share });
    await auditRelease(
      connection,
      tenantId,
      startsAt === null ? 'release.started' : 'release.scheduled',
      by,
      release,
      now,
    );
    return release;
  });
}

/**
 * Changes the share of a release. A repetition changes nothing.
 * @throws TidingsError `not_found`, `release_ended`, `release_not_started`, `invalid_request` for a smaller share
 */
export function changeShare(
  pool: pg.Pool,
  tenantId: string,
  id: string,
  share: number,
  by: Actor,
  now: Millis,
): Promise<StoredRelease> {
  return withTransaction(pool, async (connection) => {
    await lockCatalog(connection, tenantId);
    const before = await requireUnderWay(connection, tenantId, id);
    if (before.share === share) return before;
    if (share < before.share)
      throw invalid(
        `The share is ${before.share / (SHARE_PARTS / 100)}% and can only grow: users would go back and forth between versions. Roll the release back instead.`,
        '/share',
      );
    const steps = [...before.steps, { at: now, share, by }];
    const { rows } = await connection.query<StoredRelease>(
      `update releases set share = $3, steps = $4 where tenant_id = $1 and release_id = $2 returning ${RELEASE_COLUMNS}`,
      [tenantId, id, share, JSON.stringify(steps)],
    );
    const release = rows[0] as StoredRelease;
    await setUnderWay(connection, tenantId, { id, version: release.toVersion, share });
    await auditRelease(connection, tenantId, 'release.share_changed', by, release, now, before);
    return release;
  });
}

/** The end of a release. */
export interface ReleaseEnd {
  readonly state: 'finished' | 'rolled_back';
  /** Null: a command without a reason. */
  readonly reason: string | null;
  readonly comparison: JsonObject | null;
}

/**
 * Ends a release: its version becomes the active one of all users, or the version before goes on alone. Decisions that were made stay.
 * A repetition changes nothing.
 * @throws TidingsError `not_found`, `release_ended` if it has ended otherwise, `release_not_started`
 */
export function endRelease(
  pool: pg.Pool,
  tenantId: string,
  id: string,
  end: ReleaseEnd,
  by: Actor,
  now: Millis,
): Promise<StoredRelease> {
  return withTransaction(pool, async (connection) => {
    await lockCatalog(connection, tenantId);
    const known = await loadRelease(connection, tenantId, id);
    if (known?.state === end.state) return known;
    return endUnderWay(connection, tenantId, await requireUnderWay(connection, tenantId, id), end, by, now);
  });
}

/** Ends a release that is under way, within the transaction that has the lock of the catalog. */
export async function endUnderWay(
  connection: Connection,
  tenantId: string,
  before: StoredRelease,
  end: ReleaseEnd,
  by: Actor,
  now: Millis,
): Promise<StoredRelease> {
  const { id } = before;
  const { rows } = await connection.query<StoredRelease>(
    `update releases set state = $3, ended_at = $4, ended_by = $5, end_reason = $6, comparison = $7
       where tenant_id = $1 and release_id = $2 returning ${RELEASE_COLUMNS}`,
    [
      ...[tenantId, id, end.state, isoTime(now), JSON.stringify(by)],
      ...[end.reason, end.comparison && JSON.stringify(end.comparison)],
    ],
  );
  const release = rows[0] as StoredRelease;
  await activate(connection, tenantId, end.state === 'finished' ? release.toVersion : release.fromVersion);
  await auditRelease(connection, tenantId, `release.${end.state}`, by, release, now, before);
  if (end.state === 'finished') {
    const hash = await loadHashOfVersion(connection, tenantId, release.toVersion);
    if (hash !== undefined) await updateFollowers(connection, tenantId, hash, by, now);
  }
  return release;
}

export async function setUnderWay(connection: Connection, tenantId: string, release: ReleaseUnderWay): Promise<void> {
  await connection.query('update active_catalogs set release = $2 where tenant_id = $1', [
    tenantId,
    JSON.stringify(release),
  ]);
}

async function requireUnderWay(connection: Connection, tenantId: string, id: string): Promise<StoredRelease> {
  const release = await loadRelease(connection, tenantId, id);
  if (!release) throw noRelease();
  if (release.state === 'watching') return release;
  if (release.state === 'scheduled') {
    throw new TidingsError(
      'release_not_started',
      `The release begins on ${isoTime(release.startsAt ?? 0)}. Until then it can be cancelled: roll it back.`,
    );
  }
  throw releaseEnded(release);
}

export function releaseEnded({ state, endedAt }: StoredRelease): TidingsError {
  const how = state === 'failed' ? 'could not begin' : `was ${state.replace('_', ' ')}`;
  return new TidingsError(
    'release_ended',
    `The release ${how} on ${isoTime(endedAt ?? 0)}. To change what is active, start another release, or roll the catalog back.`,
  );
}

async function requireNoneScheduled(connection: Connection, tenantId: string): Promise<void> {
  const { rows } = await connection.query<{ id: string; startsAt: Millis }>(
    `select release_id::text as id, starts_at as "startsAt" from releases where tenant_id = $1 and state = 'scheduled'`,
    [tenantId],
  );
  const [scheduled] = rows;
  if (!scheduled) return;
  throw new TidingsError(
    'release_under_way',
    `Release ${scheduled.id} is scheduled for ${isoTime(scheduled.startsAt)}, and one is at most. Cancel it first.`,
  );
}

export function noRelease(): TidingsError {
  return new TidingsError('not_found', 'There is no release with this id; see /api/v1/releases.', { pointer: 'id' });
}

export function auditRelease(
  connection: Connection,
  tenantId: string,
  action: string,
  actor: Actor,
  { id, fromVersion, toVersion, share, state, endReason }: StoredRelease,
  now: Millis,
  before?: StoredRelease,
): Promise<void> {
  const detail = { from: fromVersion, to: toVersion, ...(endReason === null ? {} : { reason: endReason }) };
  const toState = (one: Pick<StoredRelease, 'state' | 'share'>) => ({ state: one.state, share: toPercent(one.share) });
  const entry = { tenantId, actor, action, subject: `release ${id}`, detail };
  return appendAuditEntry(
    connection,
    { ...entry, before: before ? toState(before) : null, after: toState({ state, share }) },
    now,
  );
}

/** Returns a share as a percentage. */
export function toPercent(share: number): number {
  return (share * 100) / SHARE_PARTS;
}

function requireSoon(startsAt: Millis, now: Millis): void {
  if (startsAt < now - MAX_LATE_MS || startsAt > now + MAX_AHEAD_MS)
    throw invalid('Write a time in the next 90 days.', '/starts_at');
}

function invalid(message: string, pointer?: string): TidingsError {
  return new TidingsError('invalid_request', message, pointer === undefined ? {} : { pointer });
}

export async function loadRelease(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<StoredRelease | undefined> {
  const { rows } = await connection.query<StoredRelease>(
    `select ${RELEASE_COLUMNS} from releases where tenant_id = $1 and release_id = $2`,
    [tenantId, id],
  );
  return rows[0];
}

/** Returns the release that began last: not one that is scheduled, or that never began. */
export async function loadLatestRelease(connection: Connection, tenantId: string): Promise<StoredRelease | undefined> {
  const { rows } = await connection.query<StoredRelease>(
    `select ${RELEASE_COLUMNS} from releases where tenant_id = $1 and started_at is not null
     order by started_at desc, release_id desc limit 1`,
    [tenantId],
  );
  return rows[0];
}

/** Lists releases, the one that was asked for last first. @param before only those before this id */
export async function listReleases(
  connection: Connection,
  tenantId: string,
  limit: number,
  before: string | null = null,
  state: ReleaseState | null = null,
): Promise<StoredRelease[]> {
  const { rows } = await connection.query<StoredRelease>(
    `select ${RELEASE_COLUMNS} from releases where tenant_id = $1 and ($3::uuid is null or release_id < $3)
       and ($4::text is null or state = $4)
     order by release_id desc limit $2`,
    [tenantId, limit, before, state],
  );
  return rows;
}

/** Returns the hash of the content of a version; undefined: there is no such version. */
export async function loadHashOfVersion(
  connection: Connection,
  tenantId: string,
  version: number,
): Promise<string | undefined> {
  const { rows } = await connection.query<{ content_hash: string }>(
    'select content_hash from catalogs where tenant_id = $1 and version = $2',
    [tenantId, version],
  );
  return rows[0]?.content_hash;
}

/** A release that is to be looked at. */
export interface DueRelease {
  readonly tenantId: string;
  readonly release: StoredRelease;
}

/**
 * Claims releases that were not looked at since `before`, those first that wait longest; other processes see them as looked at. A
 * suspended tenant decides nothing, so nothing of it is judged or finished until it is active again.
 */
export async function claimReleases(pool: pg.Pool, before: Millis, now: Millis, limit: number): Promise<DueRelease[]> {
  const { rows } = await pool.query<StoredRelease & { tenantId: string }>({
    name: 'claim-releases',
    text: `update releases set checked_at = $2
           where ctid = any (array(
               select ctid from releases as r
               where state = 'watching' and checked_at <= $1
                 and exists (select from tenants as t where t.tenant_id = r.tenant_id and t.status = 'active')
               order by checked_at limit $3 for update skip locked))
             and state = 'watching'
           returning tenant_id as "tenantId", ${RELEASE_COLUMNS}`,
    values: [isoTime(before), isoTime(now), limit],
  });
  return rows.map(({ tenantId, ...release }) => ({ tenantId, release }));
}
