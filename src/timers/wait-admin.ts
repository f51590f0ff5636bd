import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Wait } from '../rules/facts.ts';
import { getNotificationTypes } from '../rules/rule-set.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { lockUsers } from '../store/facts.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { loadUsersWaitingFor, loadWaitsOfRule, writeWaits } from '../store/waits.ts';
import { isoTime } from '../time/iso-time.ts';

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
  readonly actor: string;
  readonly now: Millis;
}

/** Result of one call. */
export interface WaitProgress {
  readonly users: number;
  /** Waits changed. */
  readonly waits: number;
  /** Id of the last user processed, to be passed to the next call; null: there are no more. */
  readonly next: string | null;
}

interface MigrationProgress extends WaitProgress {
  /** Waits of those changed that ended by it. */
  readonly ended: number;
  /** Waits left as they are, because the rule of the active version waits in another way, or for other events. */
  readonly skipped: number;
}

/** The part of the pipeline that migrates waits. */
export interface MigrationPipeline {
  /**
   * Moves the waits of a rule to the active catalog version, for these users, in one transaction.
   * @param save called in the transaction, if it changes waits
   */
  migrateWaits(
    of: { readonly tenantId: string; readonly rule: string },
    userIds: readonly string[],
    save: (connection: pg.PoolClient, done: MigrationDone) => Promise<void>,
  ): Promise<MigrationDone>;
}

/** See `MigratedWaits` of ingest. */
interface MigrationDone {
  readonly version: number;
  readonly changed: number;
  readonly ended: number;
  readonly skipped: number;
  readonly lastUserId: string | undefined;
}

/** Users in one transaction: their locks are held meanwhile, and their events wait. */
const MAX_COMMAND_BATCH_USERS = 500;

/** The same of a migration, which loads what happened to the users since. */
const MAX_MIGRATION_BATCH_USERS = 100;

/** Bounds a call to some seconds, however many waits there are. */
const MAX_BATCHES_PER_CALL = 10;

/**
 * Cancels the waits of a rule, for up to MAX_BATCH_USERS × MAX_BATCHES_PER_CALL users in order of id.
 * @param after start after this user; empty: from the first
 * @throws TidingsError `not_found` if the rule has no waits and the active version has no such rule
 */
export async function cancelWaits(command: WaitCommand, after: string): Promise<WaitProgress> {
  const { pool, catalogs, tenantId, rule, actor, now } = command;
  const cancelBatch = async (connection: pg.PoolClient, from: string): Promise<WaitProgress> => {
    const userIds = await loadUsersWaitingFor(connection, tenantId, rule, from, MAX_COMMAND_BATCH_USERS);
    if (userIds.length === 0) return { users: 0, waits: 0, next: null };
    await lockUsers(connection, tenantId, userIds);
    const waits = await loadWaitsOfRule(connection, tenantId, rule, userIds);
    const written = [];
    for (const wait of waits) {
      const startedBy = (await catalogs.getVersion(tenantId, wait.catalogVersion)).rules.byName.get(rule)?.rule;
      wait.status = 'cancelled';
      wait.endedAt = now;
      wait.stored = 'changed';
      const types = startedBy ? getNotificationTypes(startedBy) : [rule];
      written.push({ wait, decisions: buildCancelledDecisions(wait, types) });
    }
    await writeWaits(connection, tenantId, written, now);
    const users = countUsers(userIds, waits.at(-1)?.userId);
    if (written.length > 0) {
      const detail = { users, waits: written.length };
      await appendAuditEntry(connection, { tenantId, actor, action: 'waits.cancelled', subject: rule, detail }, now);
    }
    const next = getNext(userIds, MAX_COMMAND_BATCH_USERS, waits.at(-1)?.userId);
    return { users, waits: written.length, next };
  };
  const progress = await sumBatches<WaitProgress>({ users: 0, waits: 0, next: after }, (from) =>
    withTransaction(pool, (connection) => cancelBatch(connection, from)),
  );
  if (progress.users === 0 && after === '') await checkRuleExists(command);
  return progress;
}

/** Checked only if the rule has no waits, because a removed rule may have some. Then the name is probably misspelled. */
async function checkRuleExists({ catalogs, tenantId, rule }: WaitCommand): Promise<void> {
  const { version, rules } = await catalogs.getActive(tenantId);
  if (rules.byName.has(rule)) return;
  const names = [...rules.byName.keys()].join(', ') || 'none';
  const message = `No wait is pending in a rule ${rule}, and the active catalog (version ${version}) has no such rule; there are: ${names}.`;
  throw new TidingsError('not_found', message, { path: 'rule' });
}

/**
 * Moves the waits of a rule to the active catalog version, as if they had started under it: they are due when its rule says,
 * and end if it would not wait, or if something that came since ends them. Waits of a kind that the rule no longer makes (a
 * digest of a rule that now has a delay) are skipped. Bounds and `after` as in `cancelWaits`.
 * @throws TidingsError `not_found` if the active version has no such rule
 */
export async function migrateWaits(
  command: WaitCommand & { readonly pipeline: MigrationPipeline },
  after: string,
): Promise<MigrationProgress & { readonly version: number }> {
  const { pool, catalogs, pipeline, tenantId, rule, actor, now } = command;
  const { version, rules } = await catalogs.refresh(tenantId);
  if (!rules.byName.has(rule)) {
    const message = `The active catalog (version ${version}) has no rule ${rule}; cancel its waits, or let them end by the version they started with.`;
    throw new TidingsError('not_found', message, { path: 'rule' });
  }
  const progress = await sumBatches<MigrationProgress>(
    { users: 0, waits: 0, ended: 0, skipped: 0, next: after },
    async (from) => {
      const userIds = await loadUsersWaitingFor(pool, tenantId, rule, from, MAX_MIGRATION_BATCH_USERS);
      const save = async (connection: pg.PoolClient, done: MigrationDone) => {
        if (done.changed === 0) return;
        const users = countUsers(userIds, done.lastUserId);
        const detail = { version: done.version, users, waits: done.changed, ended: done.ended };
        await appendAuditEntry(connection, { tenantId, actor, action: 'waits.migrated', subject: rule, detail }, now);
      };
      const { changed, ended, skipped, lastUserId } =
        userIds.length === 0 ? NOTHING_DONE : await pipeline.migrateWaits({ tenantId, rule }, userIds, save);
      return {
        users: countUsers(userIds, lastUserId),
        waits: changed,
        ended,
        skipped,
        next: getNext(userIds, MAX_MIGRATION_BATCH_USERS, lastUserId),
      };
    },
  );
  return { ...progress, version };
}

/** Runs batches until there are no more users, at most MAX_BATCHES_PER_CALL, and adds up what they did. */
async function sumBatches<Progress extends WaitProgress>(
  start: Progress,
  run: (after: string) => Promise<Progress>,
): Promise<Progress> {
  let sum = start;
  for (let batch = 0; batch < MAX_BATCHES_PER_CALL && sum.next !== null; batch++) {
    const { next, ...counts } = await run(sum.next);
    const added = Object.entries(counts).map(([name, count]) => [name, count + Number(sum[name as keyof Progress])]);
    sum = { ...sum, ...Object.fromEntries(added), next };
  }
  return sum;
}

const NOTHING_DONE = { changed: 0, ended: 0, skipped: 0, lastUserId: undefined };

/** Returns how many of the users of a batch it was about; see `getNext`. */
function countUsers(userIds: readonly string[], lastUserId: string | undefined): number {
  return lastUserId === undefined ? userIds.length : userIds.indexOf(lastUserId) + 1;
}

/**
 * Returns the id that the next batch starts after; null if this one was the last.
 * @param lastUserId the last user whose waits were loaded, which may be before the last of the batch; undefined: none had any
 */
function getNext(userIds: readonly string[], maxUsers: number, lastUserId: string | undefined): string | null {
  const last = userIds.at(-1);
  if (lastUserId !== undefined && lastUserId !== last) return lastUserId;
  return userIds.length < maxUsers ? null : (last ?? null);
}

/** Returns one decision per notification type, as the rules would make it. They are stored on the wait. */
function buildCancelledDecisions(wait: Wait, types: readonly string[]): Decision[] {
  const { trigger } = wait.state;
  return types.map((type, index) => ({
    decision_id: `${wait.waitId}.${index}`,
    rule: wait.rule,
    notification_type: type,
    outcome: 'cancelled',
    reason_code: 'catalog_changed',
    reason: `Cancelled by command: an operator cancelled all waits of ${wait.rule}.`,
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
