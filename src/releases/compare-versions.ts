import type pg from 'pg';
import { coverSpan } from '../analytics/cover-span.ts';
import type { Millis } from '../model/event.ts';
import { type MetricPeriods, toReleaseGroups } from '../store/metrics/counters.ts';
import { loadUncounted, type MetricSums, sumRollups } from '../store/metrics/read-rollups.ts';
import { countOpenWaits } from '../store/releases/open-waits.ts';
import type { StoredRelease } from '../store/releases/releases.ts';

/** Numbers of the users of one version, and of the messages that it decided. */
export interface VersionNumbers {
  readonly version: number;
  /** Events of its users. */
  readonly events: number;
  /** Notifications to its users, also those that the other version had begun to wait for. */
  readonly decided: number;
  /** Waits of its users that began in this time and are open, of the newest MAX_EXAMINED_WAITS of the tenant. */
  readonly waiting: number;
  readonly held: number;
  /** Messages that a provider accepted, or that stayed in the sandbox. */
  readonly sent: number;
  readonly dead: number;
  readonly bounced: number;
  readonly failed: number;
  readonly complained: number;
  readonly unsubscribed: number;
}

/** Both versions over the same time. */
export interface ComparedSpan {
  readonly since: Millis;
  readonly before: VersionNumbers;
  readonly released: VersionNumbers;
  /** Part of `waiting` in the older half of the waits that were looked at; null: all waits of this time were. */
  readonly olderWaits: { readonly before: number; readonly released: number } | null;
}

/** Both versions since the release began, and in its last hour. */
export interface Comparison {
  /** Time until which all that happened is counted. */
  readonly asOf: Millis;
  readonly sinceStart: ComparedSpan;
  /** Undefined: it began less than an hour ago. */
  readonly lastHour: ComparedSpan | undefined;
}

const HOUR_MS: Millis = 3_600_000;

/** Compares the version of a release with the version before, by the sums of the metrics; no row of a message is read. */
export async function compareVersions(
  { pool, periods }: { readonly pool: pg.Pool; readonly periods: MetricPeriods },
  tenantId: string,
  release: StoredRelease,
  now: Millis,
): Promise<Comparison> {
  const until = release.endedAt ?? now;
  const compare = (from: Millis) => compareSince({ pool, periods }, tenantId, release, { from, until, now });
  const asOf = Math.min(until, (await loadUncounted(pool, tenantId)) ?? until);
  const startedAt = release.startedAt ?? until;
  const sinceStart = await compare(startedAt);
  const isOld = until - startedAt > HOUR_MS;
  return { asOf, sinceStart, lastHour: isOld ? await compare(until - HOUR_MS) : undefined };
}

async function compareSince(
  { pool, periods }: { readonly pool: pg.Pool; readonly periods: MetricPeriods },
  tenantId: string,
  { id, fromVersion, toVersion }: StoredRelease,
  { from, until, now }: { readonly from: Millis; readonly until: Millis; readonly now: Millis },
): Promise<ComparedSpan> {
  const { segments, from: since } = coverSpan({ from, to: until + 1 }, { now, periods, finest: 'minute' });
  const groups = toReleaseGroups(id);
  const openOf = await countOpenWaits(pool, tenantId, since);
  const read = async (version: number, group: string): Promise<VersionNumbers> => {
    const [ofUsers] = await sumRollups(pool, 'release', { tenantId, value: group }, segments, []);
    const [ofVersion] = await sumRollups(pool, 'version', { tenantId, value: String(version) }, segments, []);
    return toNumbers(version, openOf(version).open, ofUsers, ofVersion);
  };
  const [before, released] = [openOf(fromVersion).older, openOf(toVersion).older];
  return {
    since,
    before: await read(fromVersion, groups.others),
    released: await read(toVersion, groups.released),
    olderWaits: before === null || released === null ? null : { before, released },
  };
}

function toNumbers(
  version: number,
  waiting: number,
  ofUsers: MetricSums | undefined,
  ofVersion: MetricSums | undefined,
): VersionNumbers {
  const { events = 0, decided = 0, held = 0 } = ofUsers ?? {};
  const {
    sent = 0,
    sandboxed = 0,
    dead = 0,
    bounced = 0,
    failed = 0,
    complained = 0,
    unsubscribed = 0,
  } = ofVersion ?? {};
  return {
    version,
    events,
    decided,
    waiting,
    held,
    sent: sent + sandboxed,
    dead,
    bounced,
    failed,
    complained,
    unsubscribed,
  };
}
