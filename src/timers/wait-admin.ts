import type pg from 'pg';
import type { Catalogs } from '../catalog/cache.ts';
import { TidingsError } from '../errors.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import type { Wait } from '../rules/facts.ts';
import { typesOf } from '../rules/rule-set.ts';
import { kindOf } from '../rules/wait.ts';
import { recordChange } from '../store/audit-log.ts';
import { lockPeople } from '../store/facts.ts';
import { transaction } from '../store/pg/database.ts';
import { loadWaitsIn, moveWaits, peopleWaitingIn, writeWaits } from '../store/waits.ts';
import { isoTime } from '../time/iso-time.ts';

/**
 * What becomes of those who wait in a rule when the catalog changes. Left alone they end by the version they began with;
 * by command they are cancelled, or end by the version in force.
 */

export interface Command {
  readonly pool: pg.Pool;
  readonly catalogs: Catalogs;
  readonly tenantId: string;
  readonly rule: string;
  /** For the audit trail. */
  readonly actor: string;
  readonly now: Millis;
}

export interface Progress {
  readonly people: number;
  readonly waits: number;
  /** The last person looked at; null: that was all. */
  readonly next: string | null;
}

interface Moved extends Progress {
  /** Waits that the rule would not take over. */
  readonly left: number;
}

/** People in one transaction: their locks are held meanwhile, and their events wait. */
const AT_ONCE = 500;

/** Transactions in one call, so that it ends in seconds however many wait. */
const STEPS = 10;

/** Ends what waits in a rule of this name. @param after go on behind this person */
export async function cancelWaiting(command: Command, after: string): Promise<Progress> {
  const { catalogs, tenantId, rule, now } = command;
  const { left: _none, ...progress } = await inSteps(
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
        written.push({ wait, decisions: cancelled(wait, began ? typesOf(began) : [rule]) });
      }
      await writeWaits(connection, tenantId, written, now);
      return { changed: written.length, left: 0 };
    },
  );
  return progress;
}

/**
 * Has them end by the catalog in force; when they are due stays. Those of a kind that its rule does not make any more (a
 * digest, where it is a delay now) are `left` as they are. Throws `not_found` when it has no such rule.
 */
export async function migrateWaiting(command: Command, after: string): Promise<Moved & { readonly version: number }> {
  const { catalogs, tenantId, rule } = command;
  const { version, rules } = await catalogs.refresh(tenantId);
  const compiled = rules.byName.get(rule);
  if (!compiled) {
    const message = `The catalog in force (version ${version}) has no rule ${rule}; cancel its waits, or let them end by the version they began with.`;
    throw new TidingsError('not_found', message, { path: 'rule' });
  }
  const to = { version, kind: kindOf(compiled.rule) };
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
  work: (connection: pg.PoolClient, userIds: readonly string[]) => Promise<{ changed: number; left: number }>,
): Promise<Moved> {
  let progress: Moved = { people: 0, waits: 0, left: 0, next: after };
  for (let step = 0; step < STEPS && progress.next !== null; step++) {
    const { people, waits, left, next } = progress;
    const done = await transaction(pool, async (connection) => {
      const userIds = await peopleWaitingIn(connection, tenantId, rule, next ?? '', AT_ONCE);
      if (userIds.length === 0) return { people: 0, waits: 0, left: 0, next: null };
      await lockPeople(connection, tenantId, userIds);
      const { changed, left: passed } = await work(connection, userIds);
      if (changed > 0) {
        const detail = { ...more, people: userIds.length, waits: changed };
        await recordChange(connection, { tenantId, actor, action, subject: rule, detail }, now);
      }
      return {
        people: userIds.length,
        waits: changed,
        left: passed,
        next: userIds.length < AT_ONCE ? null : (userIds.at(-1) ?? null),
      };
    });
    progress = { people: people + done.people, waits: waits + done.waits, left: left + done.left, next: done.next };
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
