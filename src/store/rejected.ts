import type pg from 'pg';
import { contentUuid } from '../events/content.ts';
import type { Json, JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import { maskUntrusted, storableText } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { isoTime } from '../time/iso-time.ts';
import { appendAuditEntry } from './audit-log.ts';
import { queryPage } from './pg/bounded-page.ts';
import type { Statement } from './pg/pipeline.ts';
import type { Connection } from './pg/pool.ts';
import { withTransaction } from './pg/transaction.ts';

/** A rejected event, as shown to operators. */
export interface RejectedEvent {
  readonly rejected_id: string;
  readonly event_id: string | null;
  readonly code: string;
  readonly path: string;
  readonly message: string;
  /** The event as received, with addresses masked. */
  readonly event: Json;
  /** The source that brought it; null: it was posted. */
  readonly source: string | null;
  /** Topic, partition and offset of its message; null: it was posted. */
  readonly position: JsonObject | null;
  readonly times: number;
  readonly first_at: string;
  readonly last_at: string;
}

/** An item that was rejected, and why. */
export interface RejectedItem {
  readonly item: unknown;
  readonly result: {
    readonly eventId: string | null;
    readonly code?: string;
    readonly path?: string;
    readonly message?: string;
  };
  /** The user, if it is no member of the item. */
  readonly userId?: string;
  /** The source and the place that it comes from; absent: it was posted. */
  readonly origin?: { readonly source: string; readonly position: JsonObject };
}

/**
 * Stores rejected events until they are retried: sealed as a whole, because an address may appear anywhere in them. An equal
 * event rejected again increments the counter of its row.
 */
export async function quarantine(
  pool: pg.Pool,
  seal: Seal,
  tenantId: string,
  rejected: readonly RejectedItem[],
  now: Millis,
): Promise<void> {
  const { text, values } = quarantineStatement(seal, tenantId, rejected, now);
  // A name that no round trip prepares: both remember on their own what a connection has.
  await pool.query({ name: 'quarantine-posted', text, values: [...(values ?? [])] });
}

/** The statement of `quarantine`, for a transaction of others. */
export function quarantineStatement(
  seal: Seal,
  tenantId: string,
  rejected: readonly RejectedItem[],
  now: Millis,
): Statement {
  const rows = new Map<string, object>();
  for (const { item, result, userId, origin } of rejected) {
    const body = toBody(item);
    const id = contentUuid(`${result.code}\n${body}`);
    if (rows.has(id)) continue;
    const sealed = seal.seal(body, rejectedAad(tenantId, id));
    const preview = maskUntrusted(item);
    rows.set(id, {
      i: id,
      e: result.eventId?.replaceAll('\0', '\uFFFD') ?? null,
      c: result.code,
      p: storableText(result.path ?? ''),
      m: storableText(result.message ?? ''),
      v: preview,
      t: toEventType(preview),
      s: sealed.bytes.toString('base64'),
      k: sealed.keyId,
      h: toUserHash(seal, tenantId, userId ?? (item as { user_id?: unknown } | null)?.user_id),
      ...(origin && { o: origin.source, l: origin.position }),
    });
  }
  return {
    name: 'quarantine',
    text: `insert into rejected_events (tenant_id, rejected_id, event_id, event_type, code, path, message, preview, sealed,
             key_id, user_hash, source, position, first_at, last_at)
           select $1, i, e, t, c, p, m, coalesce(v, 'null'), decode(s, 'base64'), k, h, o, l, $2::timestamptz, $2::timestamptz
           from json_to_recordset($3::json)
                as r(i uuid, e text, t text, c text, p text, m text, v json, s text, k text, h text, o text, l json)
           where exists (select from tenants where tenant_id = $1)
           on conflict (tenant_id, rejected_id) do update
           set times = rejected_events.times + 1, last_at = excluded.last_at`,
    values: [tenantId, isoTime(now), JSON.stringify([...rows.values()])],
  };
}

/**
 * Lists rejected events, newest first.
 * @param before the `next` of the previous page
 * @param source only those of this source; absent: all
 */
export async function listRejected(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  before: { at: Millis; id: string } | null,
  source?: string,
): Promise<{ rejected: RejectedEvent[]; last: { at: Millis; id: string } | null }> {
  const { rows, more } = await queryPage(pool, {
    select: `select rejected_id, event_id, code, path, message, preview, source, position, times, first_at, last_at
             from rejected_events
             where tenant_id = $1 and (last_at, rejected_id) < ($2::timestamptz, $3::uuid)
               ${source === undefined ? '' : 'and source = $5'}
             order by last_at desc, rejected_id desc limit $4`,
    values: [
      tenantId,
      before ? isoTime(before.at) : 'infinity',
      before?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      limit,
      ...(source === undefined ? [] : [source]),
    ],
    limit,
    order: 'last_at desc, rejected_id desc',
    texts: ['preview'],
  });
  const rejected = rows.map(({ preview, first_at, last_at, ...row }) => ({
    ...row,
    event: preview,
    first_at: isoTime(first_at),
    last_at: isoTime(last_at),
  }));
  const last = rows.at(-1);
  return { rejected, last: last && more ? { at: last.last_at, id: last.rejected_id } : null };
}

/** Rejected events that are counted, at most. */
export const MAX_RECENT_REJECTED = 1000;

/** Counts the events that were rejected since a time, and returns the most frequent cause; undefined: none was. */
export async function countRecentRejected(
  connection: Connection,
  tenantId: string,
  since: Millis,
): Promise<
  { readonly count: number; readonly code: string; readonly path: string; readonly first: Millis } | undefined
> {
  const { rows } = await connection.query<{ count: number; code: string; path: string; first: Millis }>({
    name: 'count-recent-rejected',
    text: `with recent as (
             select code, path, last_at from rejected_events where tenant_id = $1 and last_at > $2
             order by last_at desc limit ${MAX_RECENT_REJECTED}
           )
           select (select count(*)::int from recent) as count, code, path, (select min(last_at) from recent) as first
           from recent group by code, path order by count(*) desc, code, path limit 1`,
    values: [tenantId, isoTime(since)],
  });
  return rows[0];
}

/** The part of a rejected event that an explanation uses. */
export interface RejectedView {
  readonly rejected_id: string;
  /** The event type as sent; null if it was not a string. */
  readonly event_type: string | null;
  readonly code: string;
  readonly path: string;
  readonly message: string;
  readonly times: number;
  readonly last_at: string;
}

/** Loads the rejected events of a user that have not been accepted since, newest first. */
export async function loadRejected(
  pool: pg.Pool,
  seal: Seal,
  tenantId: string,
  userId: string,
  limit: number,
): Promise<RejectedView[]> {
  const { rows } = await pool.query(
    `select rejected_id, event_type, code, path, message, times, last_at from rejected_events
     where tenant_id = $1 and user_hash = $2 order by last_at desc, rejected_id desc limit $3`,
    [tenantId, toUserHash(seal, tenantId, userId), limit],
  );
  return rows.map(({ last_at, ...row }) => ({ ...row, last_at: isoTime(last_at) }));
}

/** Returns the event type of a preview, shortened; null: it is not a text. */
function toEventType(preview: Json): string | null {
  const type = (preview as { readonly event_type?: unknown } | null)?.event_type;
  return typeof type === 'string' ? type.slice(0, MAX_TYPE_CHARS).toWellFormed() : null;
}

/** The longest event type that a valid event has. */
const MAX_TYPE_CHARS = 256;

/** Returns the keyed hash by which support finds the rejected events of a user; null: it is no user id. */
export function toUserHash(seal: Seal, tenantId: string, userId: unknown): string | null {
  return typeof userId === 'string' ? seal.hash(`rejected\n${tenantId}\n${userId.slice(0, 256)}`) : null;
}

/** Opens a rejected event as received. Returns undefined if it does not exist. */
export async function openRejected(pool: pg.Pool, seal: Seal, tenantId: string, id: string): Promise<unknown> {
  const { rows } = await pool.query<{ sealed: Buffer }>(
    'select sealed from rejected_events where tenant_id = $1 and rejected_id = $2',
    [tenantId, id],
  );
  return rows[0] && JSON.parse(seal.open(rows[0].sealed, rejectedAad(tenantId, id)));
}

/** Removes a rejected event that was accepted on retry, and records the actor in the audit log. */
export async function removeRejected(
  pool: pg.Pool,
  tenantId: string,
  id: string,
  actor: Actor,
  now: Millis,
): Promise<void> {
  await withTransaction(pool, async (connection) => {
    const before = await deleteRejectedRow(connection, tenantId, id);
    // Accepted by another retry, which has its entry.
    if (!before) return;
    const entry = { tenantId, actor, action: 'event.retried', subject: id, detail: {}, before };
    await appendAuditEntry(connection, entry, now);
  });
}

/** Deletes a rejected event on behalf of an operator, with an audit entry. Returns false if it does not exist. */
export async function dismissRejected(
  pool: pg.Pool,
  {
    tenantId,
    id,
    actor,
    reason,
  }: { readonly tenantId: string; readonly id: string; readonly actor: Actor; readonly reason: string | null },
  now: Millis,
): Promise<boolean> {
  return withTransaction(pool, async (connection) => {
    const before = await deleteRejectedRow(connection, tenantId, id);
    if (!before) return false;
    const detail = { code: before.code, path: before.path, ...(reason !== null && { reason }) };
    const entry = { tenantId, actor, action: 'event.dismissed', subject: id, detail, before: { ...before } };
    await appendAuditEntry(connection, entry, now);
    return true;
  });
}

/** A rejected event as the audit log shows it: why, and how often, and not what it said. */
type RejectedState = {
  readonly event_type: string | null;
  readonly code: string;
  readonly path: string;
  readonly times: number;
};

async function deleteRejectedRow(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<RejectedState | undefined> {
  const { rows } = await connection.query<RejectedState>(
    `delete from rejected_events where tenant_id = $1 and rejected_id = $2 returning event_type, code, path, times`,
    [tenantId, id],
  );
  return rows[0];
}

/** Returns the additional authenticated data that binds a sealed item to its row. */
export function rejectedAad(tenantId: string, id: string): string {
  return `rejected\n${tenantId}\n${id}`;
}

/** Nesting limit of stored items: more than a valid event allows, so a truncated item stays invalid, and safe for recursion. */
const MAX_DEPTH = 64;

/** Returns the item as JSON text. Numbers beyond the range of JSON are kept, so that a retry does not find null instead. */
function toBody(item: unknown): string {
  return JSON.stringify(truncateDepth(item, 0)).replace(/"\\u0000 (-?1e999)"(?!:)/g, '$1');
}

function truncateDepth(value: unknown, depth: number): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? '\0 1e999' : '\0 -1e999';
  if (value === null || typeof value !== 'object') return value ?? null;
  if (depth === MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((one) => truncateDepth(one, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, truncateDepth(one, depth + 1)]));
}
