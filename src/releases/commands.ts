import type pg from 'pg';
import { type CatalogCommand, checkCatalogFiles } from '../catalog/apply.ts';
import type { CatalogFiles } from '../catalog/catalog-files.ts';
import { type Difference, diffCatalogs } from '../catalog/diff.ts';
import type { Finding } from '../catalog/lint/findings.ts';
import { TidingsError, toOutdated } from '../errors.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { type ReleaseWatch, SHARE_PARTS } from '../model/release.ts';
import type { MetricPeriods } from '../store/metrics/counters.ts';
import {
  changeShare,
  endRelease,
  loadRelease,
  noRelease,
  type ReleaseEnd,
  type StoredRelease,
  startRelease,
} from '../store/releases/releases.ts';
import { cancelScheduled } from '../store/releases/scheduled-releases.ts';
import { compareVersions } from './compare-versions.ts';
import { judge } from './judge.ts';
import { type ComparisonView, type ReleaseView, toComparisonView, toReleaseView } from './views.ts';

/** Times that files are merged with templates of the API again, because one was activated meanwhile. */
const MAX_ATTEMPTS = 8;

/** A release that a caller asks for. */
export interface AskedRelease {
  readonly operationId: string;
  /** The files of the catalog, or a version that was applied or released before. */
  readonly what: CatalogFiles | number;
  /** Percentage of the users. */
  readonly share: number;
  readonly note: string | null;
  readonly watch: ReleaseWatch | null;
  readonly finishAfter: Millis | null;
  /** When it begins by itself; null: at once. */
  readonly startsAt: Millis | null;
  readonly expected: number | undefined;
}

/** A release that was started. */
export interface StartedRelease {
  readonly release: ReleaseView;
  /** The warnings of the catalog. */
  readonly problems: readonly Finding[];
  /** From the version before. */
  readonly differences: readonly Difference[];
}

/**
 * Starts a release of files, or of a version.
 * @throws TidingsError `invalid_catalog`, `release_under_way`, `not_found`, `invalid_request`, `outdated`
 */
export async function beginRelease(command: CatalogCommand, asked: AskedRelease): Promise<StartedRelease> {
  const { pool, catalogs, tenantId, actor, clock } = command;
  const { operationId, what, note, watch, finishAfter, startsAt, expected } = asked;
  const share = toParts(asked.share);
  for (let attempt = 1; ; attempt++) {
    const checked = typeof what === 'number' ? undefined : await checkCatalogFiles(command, what);
    const now = clock();
    const finishAt = finishAfter === null ? null : (startsAt ?? now) + finishAfter;
    const version = checked?.data ?? (what as number);
    const files = typeof what === 'number' ? {} : { files: what };
    const wanted = {
      operationId,
      version,
      ...files,
      share,
      note,
      watch,
      finishAt,
      startsAt,
      expected: expected ?? checked?.stored,
    };
    try {
      const release = await startRelease(pool, tenantId, wanted, actor, now, toOutdated);
      await catalogs.refresh(tenantId);
      const before = await catalogs.getVersion(tenantId, release.fromVersion);
      const after = await catalogs.getVersion(tenantId, release.toVersion);
      const differences = diffCatalogs(before.data, after.data);
      return { release: toReleaseView(release), problems: checked?.problems ?? [], differences };
    } catch (error) {
      const isOvertaken = error instanceof TidingsError && error.code === 'outdated' && expected === undefined;
      if (!isOvertaken || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Releases to more users. @throws TidingsError `not_found`, `release_ended`, `invalid_request` for a smaller share */
export async function raiseShare(
  { pool, catalogs, tenantId, actor, clock }: CatalogCommand,
  id: string,
  percentage: number,
): Promise<ReleaseView> {
  const release = await changeShare(pool, tenantId, id, toParts(percentage), actor, clock());
  await catalogs.refresh(tenantId);
  return toReleaseView(release);
}

/**
 * Finishes a release, or rolls it back; one that is scheduled is cancelled.
 * @throws TidingsError `not_found`, `release_ended`, `release_not_started` if one that is scheduled is to be finished
 */
export async function closeRelease(
  { pool, catalogs, tenantId, actor, clock }: CatalogCommand,
  periods: MetricPeriods,
  id: string,
  state: ReleaseEnd['state'],
  reason: string | null,
): Promise<ReleaseView> {
  const now = clock();
  const found = await loadRelease(pool, tenantId, id);
  if (!found) throw noRelease();
  if (state === 'rolled_back' && (found.state === 'scheduled' || found.state === 'cancelled')) {
    const cancelled = await cancelScheduled(pool, tenantId, id, reason, actor, now);
    if (cancelled) return toReleaseView(cancelled);
    // It has begun at this moment.
  }
  const comparison =
    found.state === 'watching' ? await compare({ pool, periods }, tenantId, found, now) : found.comparison;
  const end = { state, reason, comparison: comparison as unknown as JsonObject | null };
  const release = await endRelease(pool, tenantId, id, end, actor, now);
  await catalogs.refresh(tenantId);
  return toReleaseView(release);
}

/** Returns a release with both versions compared: until now, or as they were when it ended. @throws TidingsError `not_found` */
export async function readRelease(
  sources: { readonly pool: pg.Pool; readonly periods: MetricPeriods },
  tenantId: string,
  id: string,
  now: Millis,
): Promise<ReleaseView & { readonly comparison: ComparisonView | null }> {
  const release = await loadRelease(sources.pool, tenantId, id);
  if (!release) throw noRelease();
  const stored = release.comparison as unknown as ComparisonView | null;
  const comparison = release.state === 'watching' ? await compare(sources, tenantId, release, now) : stored;
  return { ...toReleaseView(release), comparison };
}

async function compare(
  sources: { readonly pool: pg.Pool; readonly periods: MetricPeriods },
  tenantId: string,
  release: StoredRelease,
  now: Millis,
): Promise<ComparisonView> {
  const comparison = await compareVersions(sources, tenantId, release, now);
  return toComparisonView(comparison, judge(comparison, release.watch));
}

function toParts(percentage: number): number {
  return Math.round((percentage * SHARE_PARTS) / 100);
}
