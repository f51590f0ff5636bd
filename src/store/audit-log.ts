import { uuidv7 } from 'uuidv7';
import type { JsonObject, Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Connection } from './pg/pool.ts';

/** An entry of the audit log: an operator or program changed something. */
export interface AuditEntry {
  readonly tenantId: string;
  /** The actor: `api`, `api key 1`, `start`, …; never a secret. */
  readonly actor: string;
  /** `SUBJECT.VERB`: `catalog.applied`, `catalog.rolled_back`, `delivery.retried`, `event.retried`, `waits.cancelled`, … */
  readonly action: string;
  readonly subject: string;
  readonly detail: JsonObject;
}

/** Appends an entry to the audit log, in the transaction of the change itself. */
export async function appendAuditEntry(connection: Connection, change: AuditEntry, now: Millis): Promise<void> {
  await connection.query(
    'insert into audit_log (tenant_id, entry_id, at, actor, action, subject, detail) values ($1, $2, $3, $4, $5, $6, $7)',
    [
      change.tenantId,
      uuidv7(),
      isoTime(now),
      change.actor,
      change.action,
      change.subject,
      JSON.stringify(change.detail),
    ],
  );
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
