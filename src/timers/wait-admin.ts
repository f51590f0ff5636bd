import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Wait } from '../rules/facts.ts';
import { getNotificationTypes } from '../rules/rule-set.ts';
import { getWaitKind } from '../rules/waits/wait.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { lockUsers } from '../store/facts.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import { loadUsersWaitingFor, loadWaitsOfRule, moveWaits, writeWaits } from '../store/waits.ts';
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
  /** Waits left as they are, because their kind is not the one that the rule makes now. */
  readonly skipped: number;
}

/** Users in one transaction: their locks are held meanwhile, and their events wait. */
const MAX_COMMAND_BATCH_USERS = 500;

/** Bounds a call to some seconds, however many waits there are. */
const MAX_BATCHES_PER_CALL = 10;

/**
 * Cancels the waits of a rule, for up to MAX_BATCH_USERS × MAX_BATCHES_PER_CALL users in order of id.
 * @param after start after this user; empty: from the first
 * @throws TidingsError `not_found` if the rule has no waits and the active version has no such rule
 */
export async function cancelWaits(command: WaitCommand, after: string): Promise<WaitProgress> {
  const { catalogs, tenantId, rule, now } = command;
  const { skipped: _, ...progress } = await runInBatches(
    command,
    'waits.cancelled',
    after,
    {},
    async (connection, userIds) => {
      let changed = 0;
      // As many at a time as can be in memory.
      for (;;) {
        const waits = await loadWaitsOfRule(connection, tenantId, rule, userIds);
        if (waits.length === 0) return { changed, skipped: 0 };
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
        changed += written.length;
      }
    },
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
 * Moves the waits of a rule to the active catalog version; their due times stay. Waits of a kind that the rule no longer
 * makes (a digest of a rule that now has a delay) are skipped. Bounds and `after` as in `cancelWaits`.
 * @throws TidingsError `not_found` if the active version has no such rule
 */
export async function migrateWaits(
  command: WaitCommand,
  after: string,
): Promise<MigrationProgress & { readonly version: number }> {
  const { catalogs, tenantId, rule } = command;
  const { version, rules } = await catalogs.refresh(tenantId);
  const compiled = rules.byName.get(rule);
  if (!compiled) {
    const message = `The active catalog (version ${version}) has no rule ${rule}; cancel its waits, or let them end by the version they started with.`;
    throw new TidingsError('not_found', message, { path: 'rule' });
  }
  const to = { version, kind: getWaitKind(compiled.rule) };
  const progress = await runInBatches(command, 'waits.migrated', after, { version }, (connection, userIds) =>
    moveWaits(connection, tenantId, rule, userIds, to),
  );
  return { ...progress, version };
}

/** Runs `work` over the users who wait in the rule, each batch in one transaction with an audit entry of its own. */
async function runInBatches(
  { pool, tenantId, rule, actor, now }: WaitCommand,
  action: string,
  after: string,
  auditDetail: { readonly version?: number },
  work: (connection: pg.PoolClient, userIds: readonly string[]) => Promise<{ changed: number; skipped: number }>,
): Promise<MigrationProgress> {
  let progress: MigrationProgress = { users: 0, waits: 0, skipped: 0, next: after };
  for (let batch = 0; batch < MAX_BATCHES_PER_CALL && progress.next !== null; batch++) {
    const { users, waits, skipped, next } = progress;
    const done = await withTransaction(pool, async (connection) => {
      const userIds = await loadUsersWaitingFor(connection, tenantId, rule, next ?? '', MAX_COMMAND_BATCH_USERS);
      if (userIds.length === 0) return { users: 0, waits: 0, skipped: 0, next: null };
      await lockUsers(connection, tenantId, userIds);
      const result = await work(connection, userIds);
      if (result.changed > 0) {
        const detail = { ...auditDetail, users: userIds.length, waits: result.changed };
        await appendAuditEntry(connection, { tenantId, actor, action, subject: rule, detail }, now);
      }
      return {
        users: userIds.length,
        waits: result.changed,
        skipped: result.skipped,
        next: userIds.length < MAX_COMMAND_BATCH_USERS ? null : (userIds.at(-1) ?? null),
      };
    });
    progress = {
      users: users + done.users,
      waits: waits + done.waits,
      skipped: skipped + done.skipped,
      next: done.next,
    };
  }
  return progress;
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
