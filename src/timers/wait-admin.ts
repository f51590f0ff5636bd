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
import { withTransaction } from '../store/pg/database.ts';
import { loadWaitsIn, moveWaits, usersWaitingIn, writeWaits } from '../store/waits.ts';
import { isoTime } from '../time/iso-time.ts';

/**
 * What becomes of those who wait in a rule when the catalog changes. Left alone they end by the version they began with;
 * by command they are cancelled, or end by the version in force.
 */

export interface Command {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly tenantId: string;
  readonly rule: string;
  /** For the audit trail. */
  readonly actor: string;
  readonly now: Millis;
}

export interface Progress {
  readonly users: number;
  readonly waits: number;
  /** The last person looked at; null: that was all. */
  readonly next: string | null;
}

interface MigrationProgress extends Progress {
  /** Waits that the rule would not take over. */
  readonly skipped: number;
}

/** People in one transaction: their locks are held meanwhile, and their events wait. */
const AT_ONCE = 500;

/** Transactions in one call, so that it ends in seconds however many wait. */
const STEPS = 10;

/** Ends what waits in a rule of this name. @param after go on behind this person */
export async function cancelWaits(command: Command, after: string): Promise<Progress> {
  const { catalogs, tenantId, rule, now } = command;
  const { skipped: _none, ...progress } = await inSteps(
    command,
    'waits.cancelled',
    after,
    {},
    async (connection, userIds) => {
      const waits = await loadWaitsIn(connection, tenantId, rule, userIds);
      const written = [];
      for (const wait of waits) {
        const began = (await catalogs.at(tenantId, wait.catalogVersion)).rules.byName.get(rule)?.rule;
        wait.status = 'cancelled';
        wait.endedAt = now;
        wait.stored = 'changed';
        written.push({ wait, decisions: cancelled(wait, began ? getNotificationTypes(began) : [rule]) });
      }
      await writeWaits(connection, tenantId, written, now);
      return { changed: written.length, skipped: 0 };
    },
  );
  return progress;
}

/**
 * Has them end by the catalog in force; when they are due stays. Those of a kind that its rule does not make any more (a
 * digest, where it is a delay now) are `skipped` as they are. Throws `not_found` when it has no such rule.
 */
export async function migrateWaits(
  command: Command,
  after: string,
): Promise<MigrationProgress & { readonly version: number }> {
  const { catalogs, tenantId, rule } = command;
  const { version, rules } = await catalogs.refresh(tenantId);
  const compiled = rules.byName.get(rule);
  if (!compiled) {
    const message = `The catalog in force (version ${version}) has no rule ${rule}; cancel its waits, or let them end by the version they began with.`;
    throw new TidingsError('not_found', message, { path: 'rule' });
  }
  const to = { version, kind: getWaitKind(compiled.rule) };
  const progress = await inSteps(command, 'waits.migrated', after, { version }, (connection, userIds) =>
    moveWaits(connection, tenantId, rule, userIds, to),
  );
  return { ...progress, version };
}

async function inSteps(
  { pool, tenantId, rule, actor, now }: Command,
  action: string,
  after: string,
  more: { readonly version?: number },
  work: (connection: pg.PoolClient, userIds: readonly string[]) => Promise<{ changed: number; skipped: number }>,
): Promise<MigrationProgress> {
  let progress: MigrationProgress = { users: 0, waits: 0, skipped: 0, next: after };
  for (let step = 0; step < STEPS && progress.next !== null; step++) {
    const { users, waits, skipped, next } = progress;
    const done = await withTransaction(pool, async (connection) => {
      const userIds = await usersWaitingIn(connection, tenantId, rule, next ?? '', AT_ONCE);
      if (userIds.length === 0) return { users: 0, waits: 0, skipped: 0, next: null };
      await lockUsers(connection, tenantId, userIds);
      const { changed, skipped: passed } = await work(connection, userIds);
      if (changed > 0) {
        const detail = { ...more, users: userIds.length, waits: changed };
        await appendAuditEntry(connection, { tenantId, actor, action, subject: rule, detail }, now);
      }
      return {
        users: userIds.length,
        waits: changed,
        skipped: passed,
        next: userIds.length < AT_ONCE ? null : (userIds.at(-1) ?? null),
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

/** As the engine would say it: one decision for each type, told on the wait itself. */
function cancelled(wait: Wait, types: readonly string[]): Decision[] {
  const { trigger } = wait.state;
  return types.map((type, place) => ({
    decision_id: `${wait.waitId}.${place}`,
    rule: wait.rule,
    notification_type: type,
    outcome: 'cancelled',
    reason_code: 'catalog_changed',
    reason: `Cancelled by command: all that waited in ${wait.rule} was ended.`,
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
