import { uuidv7 } from 'uuidv7';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Connection } from './pg/pool.ts';

/** An entry of the audit log: an operator or program changed something. */
export interface AuditEntry {
  readonly tenantId: string;
  readonly actor: Actor;
  /** `SUBJECT.VERB`: `catalog.applied`, `catalog.rolled_back`, `delivery.retried`, `event.retried`, `waits.cancelled`, … */
  readonly action: string;
  readonly subject: string;
  readonly detail: JsonObject;
  /** State before and after the change; null or absent: it did not exist, or the change is not one of a state. */
  readonly before?: JsonObject | null;
  readonly after?: JsonObject | null;
}

/** Appends an entry to the audit log, in the transaction of the change itself. */
export async function appendAuditEntry(connection: Connection, change: AuditEntry, now: Millis): Promise<void> {
  await connection.query(
    `insert into audit_log (tenant_id, entry_id, at, actor_kind, actor_id, actor, origin, action, subject, detail, before, after)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      change.tenantId,
      uuidv7(),
      isoTime(now),
      change.actor.kind,
      change.actor.id,
      change.actor.name,
      change.actor.from,
      change.action,
      change.subject,
      JSON.stringify(change.detail),
      toJsonText(change.before),
      toJsonText(change.after),
    ],
  );
}

function toJsonText(value: JsonObject | null | undefined): string | null {
  return value ? JSON.stringify(value) : null;
}

/** An entry as the API shows it. */
export interface AuditEntryView {
  readonly entry_id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: JsonObject;
}

/**
 * Returns entries, newest first.
 * @param before only entries older than this one; null: from the newest
 */
export async function listAuditEntries(
  connection: Connection,
  tenantId: string,
  limit: number,
  before: string | null,
): Promise<AuditEntryView[]> {
  const { rows } = await connection.query<Omit<AuditEntryView, 'at'> & { at: Millis }>(
    `select entry_id, at, actor, action, subject, detail from audit_log
     where tenant_id = $1 and entry_id < $2::uuid order by entry_id desc limit $3`,
    [tenantId, before ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', limit],
  );
  return rows.map((row) => ({ ...row, at: isoTime(row.at) }));
}
