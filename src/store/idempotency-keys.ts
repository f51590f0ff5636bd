import { documentRow, openDocument, sealDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import type { Connection } from './pg/pool.ts';

/** Seconds for which a request that was cut off blocks its key; one under way renews its lock within that time. */
export const LOCK_SECONDS = 60;

/** Hours for which the first response to a key is kept, from the first request on. */
const KEPT_HOURS = 24;

/** Bound of a kept response in bytes. */
export const MAX_KEPT_BYTES = 256 * 1024;

/**
 * Bound of the kept responses of a tenant in bytes. Beyond it, the oldest are dropped. Their keys stay: it is better not to know
 * a response than to do something twice.
 */
export const MAX_TENANT_KEPT_BYTES = 1024 * 1024 * 1024;

/** Expired keys that each new key removes. More than it adds, so that they do not accumulate between runs of the retention. */
const REMOVED_BY_EACH = 2;

/** Times that a request begins, at most: each time, the key may be released between the two statements. */
const MAX_BEGIN_ATTEMPTS = 5;

/** Identifies a key: the same text of another caller, or on another route, is another key. */
export interface KeyId {
  readonly tenantId: string;
  /** Kind and id of the actor. */
  readonly actor: string;
  /** Method and pattern of the route, such as `POST /api/v1/jobs`. */
  readonly route: string;
  readonly key: string;
}

/** A response as it was sent. */
export interface KeptResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: string;
}

/** The state of a key when a request came with it. */
export type KeyState =
  /** The request is the first with this key, or takes over one that was cut off. @see completeKey */
  | { readonly kind: 'mine'; readonly fence: number }
  /** The first request is under way. */
  | { readonly kind: 'in_progress'; readonly retryAfter: number }
  /** The key was used for another request. */
  | { readonly kind: 'reused' }
  | { readonly kind: 'complete'; readonly response: KeptResponse }
  /** The first request was answered, but the response was dropped: MAX_TENANT_KEPT_BYTES. */
  | { readonly kind: 'dropped' }
  /** The first request was answered, but the response cannot be opened with the keys of this process. */
  | { readonly kind: 'unreadable' };

const BEGIN = `
  with expired as (
    delete from idempotency_keys where (tenant_id, actor, route, key) in (
      select tenant_id, actor, route, key from idempotency_keys
      where tenant_id = $1 and expires_at < now() and (actor, route, key) <> ($2, $3, $4)
      order by expires_at limit ${REMOVED_BY_EACH} for update skip locked))
  insert into idempotency_keys as k (tenant_id, actor, route, key, fingerprint, locked_until, expires_at)
  values ($1, $2, $3, $4, $5, now() + interval '${LOCK_SECONDS} seconds', now() + interval '${KEPT_HOURS} hours')
  on conflict (tenant_id, actor, route, key) do update
  set fingerprint = excluded.fingerprint, fence = k.fence + 1, locked_until = excluded.locked_until,
      expires_at = excluded.expires_at, status = null, sealed = null
  where k.expires_at < now() or (k.locked_until < now() and k.fingerprint = excluded.fingerprint)
  returning fence`;

const LOOK = `
  select fingerprint = $5 as same, status, sealed, ceil(extract(epoch from locked_until - now()))::int as left
  from idempotency_keys where tenant_id = $1 and actor = $2 and route = $3 and key = $4`;

/**
 * Begins a request with a key, in a transaction of its own: a request that is cut off leaves its key locked for LOCK_SECONDS.
 * @param fingerprint hash of the request: a repetition has the same
 */
export async function beginKey(connection: Connection, seal: Seal, id: KeyId, fingerprint: Buffer): Promise<KeyState> {
  const values = [id.tenantId, id.actor, id.route, id.key, fingerprint];
  for (let attempt = 1; attempt <= MAX_BEGIN_ATTEMPTS; attempt++) {
    const begun = await connection.query<{ fence: number }>({ name: 'begin-idempotency-key', text: BEGIN, values });
    const [mine] = begun.rows;
    if (mine) return { kind: 'mine', fence: mine.fence };
    const { rows } = await connection.query<{
      same: boolean;
      status: number | null;
      sealed: Buffer | null;
      left: number | null;
    }>({ name: 'look-at-idempotency-key', text: LOOK, values });
    const [found] = rows;
    // Released, or expired and removed, since the first statement: the next attempt inserts it.
    if (!found) continue;
    if (!found.same) return { kind: 'reused' };
    if (found.status !== null && found.sealed === null) return { kind: 'dropped' };
    if (found.status === null || found.sealed === null) {
      return { kind: 'in_progress', retryAfter: Math.min(Math.max(found.left ?? 1, 1), LOCK_SECONDS) };
    }
    const kept = openDocument(seal, found.sealed, toRow(id)) as Omit<KeptResponse, 'status'> | undefined;
    return kept ? { kind: 'complete', response: { ...kept, status: found.status } } : { kind: 'unreadable' };
  }
  return { kind: 'in_progress', retryAfter: 1 };
}

/** Prolongs the lock of a request that is under way. */
export async function renewKey(connection: Connection, id: KeyId, fence: number): Promise<void> {
  await connection.query(
    `update idempotency_keys set locked_until = now() + interval '${LOCK_SECONDS} seconds' ${OF_FENCE}`,
    toValues(id, fence),
  );
}

/**
 * Keeps the response for later requests with the key. Without effect if another request has taken the key over. Returns its
 * size in bytes.
 */
export async function completeKey(
  connection: Connection,
  seal: Seal,
  id: KeyId,
  fence: number,
  { status, headers, body }: KeptResponse,
): Promise<number> {
  const sealed = sealDocument(seal, JSON.stringify({ headers, body }), toRow(id));
  await connection.query(`update idempotency_keys set locked_until = null, status = $6, sealed = $7 ${OF_FENCE}`, [
    ...toValues(id, fence),
    status,
    sealed,
  ]);
  return sealed.length;
}

/** Drops the oldest responses of a tenant beyond `maxBytes`. Reads all of its keys: see `KeptBytes`. Returns how many. */
export async function dropOldResponses(connection: Connection, tenantId: string, maxBytes: number): Promise<number> {
  const { rowCount } = await connection.query(
    `update idempotency_keys as k set sealed = null
     from (select actor, route, key, sum(octet_length(sealed)) over (order by expires_at desc, actor, route, key) as bytes
           from idempotency_keys where tenant_id = $1 and sealed is not null) as kept
     where k.tenant_id = $1 and k.actor = kept.actor and k.route = kept.route and k.key = kept.key and kept.bytes > $2
       and k.sealed is not null`,
    [tenantId, maxBytes],
  );
  return rowCount ?? 0;
}

/** Forgets a key: the next request with it is the first again. */
export async function releaseKey(connection: Connection, id: KeyId, fence: number): Promise<void> {
  await connection.query(`delete from idempotency_keys ${OF_FENCE}`, toValues(id, fence));
}

const OF_FENCE = `where tenant_id = $1 and actor = $2 and route = $3 and key = $4 and fence = $5 and locked_until is not null`;

function toValues({ tenantId, actor, route, key }: KeyId, fence: number): unknown[] {
  return [tenantId, actor, route, key, fence];
}

function toRow({ tenantId, actor, route, key }: KeyId) {
  return documentRow('idempotency_keys', tenantId, actor, route, key);
}
