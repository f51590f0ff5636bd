import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import type { Rule } from '../model/catalog.ts';
import type { Decision, WaitStatus } from '../model/decision.ts';
import { DIRECT_RULE } from '../model/direct.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { findRuleOfWait } from '../rules/compile/compile-direct.ts';
import { getNotificationTypes } from '../rules/compile/rule-set.ts';
import type { Wait } from '../rules/facts.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { lockUsers } from '../store/facts/facts.ts';
import { isTransient } from '../store/pg/errors.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { announceTimers, loadWaitFailure, retrySetAside } from '../store/waits/failed-waits.ts';
import type { StoredWait } from '../store/waits/wait-content.ts';
import { findUserOfWait, loadWaitsById, loadWaitsOfRule, type WaitWrite, writeWaits } from '../store/waits/waits.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';

/**
 * Operator commands for pending waits after a catalog change. By default a wait runs to the end under the catalog version
 * it started with. These commands cancel such waits or move them to the active version.
 */

export interface WaitCommand {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
  readonly rule: string;
  /** Recorded in the audit log. */
  readonly actor: Actor;
  readonly now: Millis;
}

/** Cancels the waits of a rule for these users, who must be locked. Returns how many. */
export async function cancelWaitsOfUsers(
  connection: pg.PoolClient,
  { catalogs, tenantId, rule, now }: Omit<WaitCommand, 'pool' | 'actor'>,
  userIds: readonly string[],
): Promise<{ readonly changed: number; readonly skipped: number }> {
  const reason = {
    code: 'catalog_changed',
    text: `Cancelled by command: an operator cancelled all waits of ${rule}.`,
  } as const;
  let changed = 0;
  // As many at a time as can be in memory.
  for (;;) {
    const waits = await loadWaitsOfRule(connection, tenantId, rule, userIds);
    if (waits.length === 0) return { changed, skipped: 0 };
    const written = [];
    for (const wait of waits) written.push(await toCancelled(catalogs, tenantId, wait, now, reason));
    await writeWaits(connection, tenantId, written, now);
    changed += written.length;
  }
}

/** Ends an open wait, and returns it with its decisions. */
async function toCancelled(
  catalogs: CatalogCache,
  tenantId: string,
  wait: StoredWait,
  now: Millis,
  reason: CancelReason,
): Promise<WaitWrite> {
  const startedBy = await findRule(catalogs, tenantId, wait);
  wait.status = 'cancelled';
  wait.endedAt = now;
  wait.stored = 'changed';
  return {
    wait,
    decisions: buildCancelledDecisions(wait, startedBy ? getNotificationTypes(startedBy) : [wait.rule], reason),
  };
}

/** Returns the rule of a wait; undefined: its catalog version cannot be read, and the wait can still be ended. */
async function findRule(catalogs: CatalogCache, tenantId: string, wait: StoredWait): Promise<Rule | undefined> {
  try {
    return findRuleOfWait((await catalogs.getVersion(tenantId, wait.catalogVersion)).rules, wait)?.rule;
  } catch (error) {
    if (isTransient(error)) throw error;
    return undefined;
  }
}

/** Why a wait is cancelled, as its decisions say it. */
interface CancelReason {
  readonly code: 'catalog_changed' | 'cancelled_by_operator' | 'cancelled_by_request';
  readonly text: string;
}

const CANCELLED_BY_OPERATOR: CancelReason = {
  code: 'cancelled_by_operator',
  text: 'Cancelled by command: an operator cancelled this wait.',
};

/** A program cancelled what is scheduled. */
export const CANCELLED_BY_REQUEST: CancelReason = {
  code: 'cancelled_by_request',
  text: 'Cancelled: a request cancelled the notification before its time.',
};

export const CANCELLED_WITH_BATCH: CancelReason = {
  code: 'cancelled_by_request',
  text: 'Cancelled: its batch was cancelled before its time.',
};

/**
 * Ends those of these waits that are set aside; their users must be locked.
 * @param waits at least the first is looked at, and as many as can be in memory
 * @returns how many were looked at, the first ones, and how many of these were ended
 */
export async function dismissWaits(
  connection: pg.PoolClient,
  { catalogs, tenantId, now }: Pick<WaitCommand, 'catalogs' | 'tenantId' | 'now'>,
  waits: readonly { readonly userId: string; readonly waitId: string }[],
): Promise<{ readonly looked: number; readonly dismissed: number }> {
  const { waits: loaded, known } = await loadWaitsById(connection, tenantId, waits);
  const beyond = new Set(known.map(({ waitId }) => waitId));
  const first = waits.findIndex(({ waitId }) => beyond.has(waitId));
  const written: WaitWrite[] = [];
  for (const wait of loaded) {
    if (wait.status !== 'waiting' || wait.heldUntil === undefined) continue;
    written.push(await toCancelled(catalogs, tenantId, wait, now, CANCELLED_BY_OPERATOR));
  }
  await writeWaits(connection, tenantId, written, now);
  return { looked: first < 0 ? waits.length : first, dismissed: written.length };
}

/**
 * Lets the timer try one wait again that could not be fired. Returns its user and whether it was held back; undefined: there
 * is no such wait.
 */
export async function retryWait(
  { pool, tenantId, actor, now }: Omit<WaitCommand, 'rule' | 'catalogs'>,
  waitId: string,
): Promise<{ readonly userId: string; readonly isRetried: boolean } | undefined> {
  const result = await withTransaction(pool, async (connection) => {
    const userId = await findUserOfWait(connection, tenantId, waitId);
    if (userId === undefined) return undefined;
    const place = { userId, waitId };
    const before = await loadWaitFailure(connection, tenantId, place);
    const isRetried = (await retrySetAside(connection, tenantId, [place])) > 0;
    if (isRetried) {
      const states = { before: before ?? null, after: (await loadWaitFailure(connection, tenantId, place)) ?? null };
      const entry = { tenantId, actor, action: 'wait.retried', subject: waitId, detail: {}, ...states };
      await appendAuditEntry(connection, entry, now);
    }
    return { userId, isRetried };
  });
  if (result?.isRetried) await announceTimers(pool);
  return result;
}

/**
 * Cancels one wait, if it is pending. Returns its user and its status afterwards; undefined: there is no such wait.
 * @param reason as its decisions say it
 */
export async function cancelWait(
  { pool, catalogs, tenantId, actor, now }: Omit<WaitCommand, 'rule'>,
  waitId: string,
  reason: CancelReason = CANCELLED_BY_OPERATOR,
): Promise<{ readonly userId: string; readonly status: Exclude<WaitStatus, 'waiting'> } | undefined> {
  return withTransaction(pool, async (connection) => {
    const userId = await findUserOfWait(connection, tenantId, waitId);
    if (userId === undefined) return undefined;
    await lockUsers(connection, tenantId, [userId]);
    const [wait] = (await loadWaitsById(connection, tenantId, [{ userId, waitId }])).waits;
    if (!wait) return undefined;
    if (wait.status !== 'waiting') return { userId, status: wait.status };
    const before = toState(wait);
    const cancelled = await toCancelled(catalogs, tenantId, wait, now, reason);
    await writeWaits(connection, tenantId, [cancelled], now);
    const detail = { rule: wait.rule };
    const states = { before, after: toState(wait) };
    const entry = { tenantId, actor, action: 'wait.cancelled', subject: waitId, detail, ...states };
    await appendAuditEntry(connection, entry, now);
    return { userId, status: 'cancelled' };
  });
}

/** Returns a wait as the audit log shows it. */
function toState({ userId, rule, catalogVersion, status, dueAt, endedAt }: Wait): JsonObject {
  return {
    user_id: userId,
    rule,
    catalog_version: catalogVersion,
    status,
    due_at: isoTime(dueAt),
    ended_at: isoTimeOrNull(endedAt),
  };
}

/** Checked only if the rule has no waits, because a removed rule may have some. Then the name is probably misspelled. */
export async function checkRuleExists({
  catalogs,
  tenantId,
  rule,
}: Pick<WaitCommand, 'catalogs' | 'tenantId' | 'rule'>): Promise<void> {
  const { version, rules } = await catalogs.getActive(tenantId);
  if (rules.byName.has(rule)) return;
  const names = [...rules.byName.keys()].filter((name) => name !== DIRECT_RULE).join(', ') || 'none';
  const message = `No wait is pending in a rule ${rule}, and the active catalog (version ${version}) has no such rule; there are: ${names}.`;
  throw new TidingsError('not_found', message, { pointer: '/filter/rule' });
}

/** Checks that waits of the rule can be moved to the active version. @throws TidingsError `not_found` if it has no such rule */
export async function checkMigration({
  catalogs,
  tenantId,
  rule,
}: Pick<WaitCommand, 'catalogs' | 'tenantId' | 'rule'>): Promise<void> {
  const { version, rules } = await catalogs.refresh(tenantId);
  if (rules.byName.has(rule)) return;
  const message = `The active catalog (version ${version}) has no rule ${rule}; cancel its waits, or let them end by the version they started with.`;
  throw new TidingsError('not_found', message, { pointer: '/filter/rule' });
}

/** Returns one decision per notification type, as the rules would make it. They are stored on the wait. */
function buildCancelledDecisions(wait: Wait | StoredWait, types: readonly string[], reason: CancelReason): Decision[] {
  const { trigger } = wait.state;
  return types.map((type, index) => ({
    decision_id: `${wait.waitId}.${index}`,
    rule: wait.rule,
    notification_type: type,
    outcome: 'cancelled',
    reason_code: reason.code,
    reason: reason.text,
    notification_id: null,
    event_ids: [trigger.eventId],
    evidence: {
      ...(wait.key === '' ? {} : { key: wait.key }),
      wait: {
        kind: wait.kind,
        wait_id: wait.waitId,
        since: isoTime(wait.triggerTime),
        due_at: isoTime(wait.dueAt),
      },
    },
  }));
}
