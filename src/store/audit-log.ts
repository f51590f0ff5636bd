import { jsonText } from '../events/content.ts';
import { freshId } from '../lib/fresh-id.ts';
import type { Json, JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { maskDocument } from '../privacy/mask.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';
import type { Statement } from './pg/pipeline.ts';
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
  await appendAuditEntries(connection, [change], now);
}

/**
 * Appends an entry for each change of several tenants, in the transaction of the changes, with one statement. Addresses in the
 * detail and the states are masked.
 */
export async function appendAuditEntries(
  connection: Connection,
  changes: readonly AuditEntry[],
  now: Millis,
): Promise<void> {
  if (changes.length === 0) return;
  const column = <T>(read: (change: AuditEntry) => T) => changes.map(read);
  await connection.query(
    `insert into audit_log (tenant_id, entry_id, at, actor_kind, actor_id, actor, origin, action, subject, detail, before, after)
     select tenant_id, entry_id, $3, actor_kind, actor_id, actor, origin, action, subject, detail, before, after
     from unnest($1::text[], $2::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::json[],
                 $11::json[], $12::json[])
       as r (tenant_id, entry_id, actor_kind, actor_id, actor, origin, action, subject, detail, before, after)`,
    [
      column(({ tenantId }) => tenantId),
      column(() => freshId()),
      isoTime(now),
      column(({ actor }) => actor.kind),
      column(({ actor }) => actor.id),
      column(({ actor }) => actor.name),
      column(({ actor }) => actor.from),
      column(({ action }) => action),
      column(({ subject }) => subject),
      column(({ detail }) => toJsonText(detail)),
      column(({ before }) => toJsonText(before)),
      column(({ after }) => toJsonText(after)),
    ],
  );
}

/** Returns the statement that appends entries of one tenant, among others of a transaction. */
export function auditStatement(tenantId: string, changes: readonly AuditEntry[], now: Millis): Statement {
  const rows = changes.map(({ actor, action, subject, detail, before, after }) => ({
    entry_id: freshId(),
    actor_kind: actor.kind,
    actor_id: actor.id,
    actor: actor.name,
    origin: actor.from,
    action,
    subject,
    detail: maskDocument(detail),
    before: before ? maskDocument(before) : null,
    after: after ? maskDocument(after) : null,
  }));
  return { name: 'append-audit', text: APPEND, values: [tenantId, isoTime(now), jsonText(rows as unknown as Json)] };
}

const APPEND = `
insert into audit_log (tenant_id, entry_id, at, actor_kind, actor_id, actor, origin, action, subject, detail, before, after)
select $1, entry_id, $2, actor_kind, actor_id, actor, origin, action, subject, detail, before, after
from json_to_recordset($3) as r (entry_id uuid, actor_kind text, actor_id text, actor text, origin text, action text, subject text,
                                 detail json, before json, after json)`;

/**
 * Appends an entry for each live tenant, in the transaction of a change that concerns them all. Its detail must tell a tenant
 * nothing about others.
 */
export async function appendAuditEntryOfAll(
  connection: Connection,
  change: Omit<AuditEntry, 'tenantId' | 'subject'>,
  now: Millis,
): Promise<void> {
  const { rows } = await connection.query<{ tenant_id: string }>(
    "select tenant_id from tenants where environment = 'live' order by tenant_id",
  );
  const entries = rows.map(({ tenant_id }) => ({ ...change, subject: 'all tenants', tenantId: tenant_id }));
  await appendAuditEntries(connection, entries, now);
}

function toJsonText(value: JsonObject | null | undefined): string | null {
  return value ? JSON.stringify(maskDocument(value)) : null;
}

/** An entry as the API shows it. */
export interface AuditEntryView {
  readonly entry_id: string;
  readonly at: string;
  /** Name of the actor. */
  readonly actor: string;
  readonly actor_kind: Actor['kind'];
  readonly actor_id: string;
  /** Masked network address, or `cli`; null: from Tidings itself. */
  readonly from: string | null;
  readonly action: string;
  readonly subject: string;
  readonly detail: JsonObject;
  readonly before: JsonObject | null;
  readonly after: JsonObject | null;
}

/** Which entries are listed; what is absent selects nothing. */
export interface AuditFilter {
  /** Id or name of the actor. */
  readonly actor?: string;
  readonly actorKind?: Actor['kind'];
  /** An action such as `key.revoked`, or all of a subject: `key`, also written `key.`. */
  readonly action?: string;
  readonly subject?: string;
  /** At or after this time. */
  readonly since?: Millis;
  /** Before this time. */
  readonly until?: Millis;
}

/** Entries that one page looks at, at most: a filter that matches few of many returns short pages. */
const MAX_EXAMINED = 10_000;

/** A page of the audit log. */
export interface AuditPage {
  readonly entries: readonly AuditEntryView[];
  /** The entry that the next page follows; null: this is the last page. */
  readonly last: string | null;
}

const FIRST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/**
 * Returns a page of entries, newest first.
 * @param before only entries older than this one; null: from the newest
 */
export async function listAuditEntries(
  connection: Connection,
  tenantId: string,
  { filter = {}, limit, before }: { filter?: AuditFilter; limit: number; before: string | null },
): Promise<AuditPage> {
  const { rows } = await connection.query<Omit<AuditEntryView, 'at'> & { at: Millis }>(
    `select entry_id, at, actor, actor_kind, actor_id, origin as "from", action, subject, detail, before, after
     from (select * from audit_log where tenant_id = $1 and entry_id < $2::uuid order by entry_id desc limit $3) as examined
     where ($4::text is null or actor_id = $4 or actor = $4) and ($5::text is null or actor_kind = $5)
       and ($6::text is null or action = $6 or starts_with(action, rtrim($6, '.') || '.'))
       and ($7::text is null or subject = $7)
       and ($8::timestamptz is null or at >= $8) and ($9::timestamptz is null or at < $9)
     order by entry_id desc limit $10`,
    [
      tenantId,
      before ?? FIRST,
      MAX_EXAMINED,
      filter.actor ?? null,
      filter.actorKind ?? null,
      filter.action ?? null,
      filter.subject ?? null,
      isoTimeOrNull(filter.since),
      isoTimeOrNull(filter.until),
      limit,
    ],
  );
  const entries = rows.map((row) => ({ ...row, at: isoTime(row.at) }));
  const last =
    entries.length === limit ? entries.at(-1)?.entry_id : await findLastExamined(connection, tenantId, before);
  return { entries, last: last ?? null };
}

/** Returns the last entry that a page looks at, if it may have left older ones. */
async function findLastExamined(
  connection: Connection,
  tenantId: string,
  before: string | null,
): Promise<string | undefined> {
  const { rows } = await connection.query<{ entry_id: string }>(
    `select entry_id from audit_log where tenant_id = $1 and entry_id < $2::uuid
     order by entry_id desc offset $3 limit 1`,
    [tenantId, before ?? FIRST, MAX_EXAMINED - 1],
  );
  return rows[0]?.entry_id;
}

/** Yields all entries that a filter selects, newest first, with a page in memory at a time. */
export async function* streamAuditEntries(
  connection: Connection,
  tenantId: string,
  filter: AuditFilter,
  pageSize = 500,
): AsyncGenerator<readonly AuditEntryView[]> {
  for (let before: string | null = null, isOver = false; !isOver; ) {
    const page: AuditPage = await listAuditEntries(connection, tenantId, { filter, limit: pageSize, before });
    if (page.entries.length > 0) yield page.entries;
    before = page.last;
    isOver = before === null;
  }
}
