import type pg from 'pg';
import type { Zone } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import type { ActiveVersion } from '../model/release.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import {
  deleteSchedules,
  loadSchedules,
  loadUserZones,
  lockActiveVersions,
  moveSchedules,
  type Schedule,
  type StoredSchedule,
  upsertSchedules,
} from '../store/waits/schedules.ts';
import type { NextOccurrence } from './latest-missed.ts';

/** A rule with `every`. */
export interface ScheduledRule {
  readonly name: string;
  /** Five cron fields. */
  readonly cron: string;
  readonly zone: Zone;
}

/** Interval in ms at which the schedules are compared with the zones of the users. */
export const SYNC_INTERVAL_MS = 60_000;

/**
 * Brings the stored schedules in line with the scheduled rules of the active catalogs and the zones of the users. A rule that
 * is new or has another cron pattern starts with its next occurrence; one that is gone is deleted, with what is left of its
 * current occurrence. A zone that is new starts up to SYNC_INTERVAL_MS in the past: its users may have moved there since
 * the last call.
 *
 * A schedule that lies further ahead than its own next occurrence (the clock was wrong when it was written) is put right.
 *
 * Returns false, and changes nothing, if other versions are active.
 */
export async function syncSchedules(
  pool: pg.Pool,
  tenantId: string,
  active: ActiveVersion,
  rules: readonly ScheduledRule[],
  next: NextOccurrence,
  now: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    if (!isSameSchedules(await lockActiveVersions(connection, tenantId), active)) return false;
    const stored = await loadSchedules(connection, tenantId);
    if (stored.length === 0 && rules.length === 0) return true;
    const usesUserZones = rules.some(({ zone }) => zone === 'user');
    // Users without a known zone are in UTC.
    const zones = usesUserZones ? [...new Set(['UTC', ...(await loadUserZones(connection, tenantId))])] : [];
    const { missing, obsolete, misplaced } = compareSchedules(stored, rules, zones, next, now);
    await deleteSchedules(connection, tenantId, obsolete);
    await upsertSchedules(connection, tenantId, missing);
    await moveSchedules(connection, tenantId, misplaced);
    return true;
  });
}

/** Returns whether the rules of the same versions are scheduled. A release has its schedules whatever its share. */
export function isSameSchedules(a: ActiveVersion, b: ActiveVersion): boolean {
  return a.version === b.version && a.release?.version === b.release?.version;
}

/** Returns the schedules to write, those to delete and those to move. @param zones zones of users, for rules in the zone of the user */
function compareSchedules(
  stored: readonly StoredSchedule[],
  rules: readonly ScheduledRule[],
  zones: readonly string[],
  next: NextOccurrence,
  now: Millis,
): {
  missing: (Schedule & { readonly nextAt: Millis })[];
  obsolete: Schedule[];
  misplaced: { readonly stored: StoredSchedule; readonly nextAt: Millis }[];
} {
  const storedByKey = new Map(stored.map((schedule) => [toKey(schedule), schedule]));
  const knownRules = new Set(stored.map(({ rule, cron }) => `${rule}\x1f${cron}`));
  const wanted = new Set<string>();
  const missing: (Schedule & { readonly nextAt: Millis })[] = [];
  const misplaced: { readonly stored: StoredSchedule; readonly nextAt: Millis }[] = [];
  for (const { name: rule, cron, zone: ruleZone } of rules) {
    for (const zone of ruleZone === 'user' ? zones : [ruleZone]) {
      const isKnownRule = knownRules.has(`${rule}\x1f${cron}`);
      const nextAt = next(cron, zone, isKnownRule ? now - SYNC_INTERVAL_MS : now);
      if (nextAt === null) continue;
      const key = toKey({ rule, zone, cron });
      if (wanted.has(key)) continue;
      wanted.add(key);
      const known = storedByKey.get(key);
      if (!known) missing.push({ rule, zone, cron, nextAt });
      else if (known.nextAt > nextAt && isMisplaced(known, next, now))
        misplaced.push({ stored: known, nextAt: next(cron, zone, now) ?? nextAt });
    }
  }
  return { missing, obsolete: stored.filter((schedule) => !wanted.has(toKey(schedule))), misplaced };
}

/** Returns whether a schedule lies further ahead than its next occurrence after the coming minute. */
function isMisplaced({ cron, zone, nextAt, isUnderWay }: StoredSchedule, next: NextOccurrence, now: Millis): boolean {
  if (isUnderWay || nextAt <= now + SYNC_INTERVAL_MS) return false;
  const latest = next(cron, zone, now + SYNC_INTERVAL_MS);
  return latest !== null && nextAt > latest;
}

function toKey({ rule, zone, cron }: Schedule): string {
  return `${rule}\x1f${zone}\x1f${cron}`;
}
