import { freshId } from '../lib/fresh-id.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import {
  SUPPRESSIBLE_CHANNELS,
  SUPPRESSION_REASONS,
  type SuppressibleChannel,
  type Suppression,
  type SuppressionReason,
} from '../model/suppression.ts';
import { isoTime } from '../time/iso-time.ts';
import { appendAuditEntry } from './audit-log.ts';
import type { Connection } from './pg/pool.ts';
import { reportSuppression } from './suppression-events.ts';

/** A suppression as the API shows it. Times are ISO 8601 in UTC. */
export interface SuppressionView {
  readonly suppression_id: string;
  readonly channel: SuppressibleChannel;
  /** Masked; null: only its hash is known. */
  readonly address: string | null;
  readonly scope: string;
  readonly reason: SuppressionReason;
  readonly since: string;
  readonly until: string | null;
  readonly evidence: JsonObject;
}

/** Which suppressions are listed; what is null selects nothing. */
export interface SuppressionFilter {
  readonly channel: SuppressibleChannel | null;
  readonly reason: SuppressionReason | null;
  readonly addressHash: string | null;
  /** Suppressions of the addresses that this user has now. Absent: of every address. */
  readonly userId?: string | null;
}

const COLUMNS = 'suppression_id, channel, address_mask, scope, reason, since, until, evidence';

/**
 * Suppresses addresses, with an entry of the audit log for each that was not suppressed as much before. One that is suppressed
 * until it is lifted stays so.
 */
export async function addSuppressions(
  connection: Connection,
  suppressions: readonly Suppression[],
  actor: Actor,
  now: Millis,
): Promise<SuppressionView[]> {
  const added: SuppressionView[] = [];
  // Always in the same order: two transactions do not wait for each other.
  for (const one of suppressions.toSorted((a, b) => (toKey(a) < toKey(b) ? -1 : 1))) {
    const { rows } = await connection.query(
      `insert into suppressions as s (tenant_id, channel, address_hash, scope, suppression_id, address_mask, reason, since, until, evidence)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
       on conflict (tenant_id, channel, address_hash, scope) do update
       set reason = excluded.reason, since = excluded.since, until = excluded.until, evidence = excluded.evidence,
           address_mask = coalesce(excluded.address_mask, s.address_mask)
       where s.until is not null and (excluded.until is null or excluded.until > s.until)
       returning ${COLUMNS}`,
      [
        one.tenantId,
        one.channel,
        one.addressHash,
        one.scope,
        freshId(),
        one.addressMask,
        one.reason,
        isoTime(one.since),
        one.until === null ? null : isoTime(one.until),
        JSON.stringify(one.evidence),
      ],
    );
    if (!rows[0]) continue;
    const view = toView(rows[0]);
    added.push(view);
    const change = { tenantId: one.tenantId, addressHash: one.addressHash, type: 'suppression.added', view } as const;
    await noteChange(connection, change, actor, now);
  }
  return added;
}

/** Returns the mask of an address by its hash, of any user who has it; null: none has. */
export async function findAddressMask(
  connection: Connection,
  tenantId: string,
  addressHash: string,
): Promise<string | null> {
  const { rows } = await connection.query<{ mask: string }>(
    `select mask from addresses where tenant_id = $1 and hash = $2 and hash > '' limit 1`,
    [tenantId, addressHash],
  );
  return rows[0]?.mask ?? null;
}

/** Lifts a suppression. Undefined: the tenant has no suppression of this id. @param note why, for the audit log */
export async function liftSuppression(
  connection: Connection,
  tenantId: string,
  id: string,
  { actor, note }: { readonly actor: Actor; readonly note: string | null },
  now: Millis,
): Promise<SuppressionView | undefined> {
  const { rows } = await connection.query(
    `delete from suppressions where tenant_id = $1 and suppression_id = $2 returning address_hash, ${COLUMNS}`,
    [tenantId, id],
  );
  if (!rows[0]) return undefined;
  const view = toView(rows[0]);
  const change = { tenantId, addressHash: rows[0].address_hash, type: 'suppression.removed', view } as const;
  await noteChange(connection, change, actor, now, note === null ? {} : { note });
  return view;
}

/**
 * Lifts what the owner of an address asked for by opting out, after they opted in again.
 * @param senders of ours to which they wrote; empty: to all
 * @param category the scope of a category that they opted in to; those of other categories stay. Absent: they wrote to us
 *   themselves
 */
export async function liftOptOut(
  connection: Connection,
  { tenantId, channel, addressHash }: Pick<Suppression, 'tenantId' | 'channel' | 'addressHash'>,
  {
    actor,
    evidence,
    senders,
    category,
  }: {
    readonly actor: Actor;
    readonly evidence: JsonObject;
    readonly senders: readonly string[];
    readonly category?: string;
  },
  now: Millis,
): Promise<void> {
  const { rows } = await connection.query(
    `delete from suppressions
     where tenant_id = $1 and channel = $2 and address_hash = $3 and reason in ('opted_out', 'unsubscribed') and since <= $4
       and (scope not like 'sender:%' or cardinality($5::text[]) = 0 or scope = any($5))
       and (scope not like 'category:%' or $6::text is null or scope = $6)
     returning ${COLUMNS}`,
    [tenantId, channel, addressHash, isoTime(now), senders.map((sender) => `sender:${sender}`), category ?? null],
  );
  for (const row of rows) {
    const change = { tenantId, addressHash, type: 'suppression.removed', view: toView(row) } as const;
    await noteChange(connection, change, actor, now, { evidence });
  }
}

/** Lifts what the reader of a link left, after they asked for it again at the same address. */
export async function liftUnsubscribed(
  connection: Connection,
  {
    tenantId,
    channel,
    addressHash,
    scopes,
  }: Pick<Suppression, 'tenantId' | 'channel' | 'addressHash'> & { readonly scopes: readonly string[] },
  actor: Actor,
  now: Millis,
): Promise<void> {
  const { rows } = await connection.query(
    `delete from suppressions
     where tenant_id = $1 and channel = $2 and address_hash = $3 and reason = 'unsubscribed' and scope = any($4)
     returning ${COLUMNS}`,
    [tenantId, channel, addressHash, scopes],
  );
  for (const row of rows) {
    const change = { tenantId, addressHash, type: 'suppression.removed', view: toView(row) } as const;
    await noteChange(connection, change, actor, now, { source: 'preference page' });
  }
}

/** Returns suppressions, newest first. @param before only those older than this one; null: from the newest */
export async function listSuppressions(
  connection: Connection,
  tenantId: string,
  { channel, reason, addressHash, userId = null }: SuppressionFilter,
  limit: number,
  before: string | null,
): Promise<SuppressionView[]> {
  const values: unknown[] = [
    tenantId,
    before ?? LAST_ID,
    limit,
    channel === null ? SUPPRESSIBLE_CHANNELS : [channel],
    reason === null ? SUPPRESSION_REASONS : [reason],
  ];
  const one = addressHash === null ? undefined : `= $${values.push(addressHash)}`;
  const some = userId === null ? undefined : hashesOfUser(`$${values.push(userId)}`);
  const { rows } = await connection.query(
    one || some
      ? `select ${COLUMNS} from suppressions
         where tenant_id = $1 and channel = any($4) and address_hash ${one ?? some} and suppression_id < $2 and reason = any($5)
         ${one && some ? `and address_hash ${some}` : ''}
         order by suppression_id desc limit $3`
      : // A look-up for each, by rows of the one index that has them: few of a kind are found among many others.
        `select s.* from unnest($4::text[]) as c(channel) cross join unnest($5::text[]) as r(reason)
         cross join lateral (
           select ${COLUMNS} from suppressions
           where tenant_id = $1 and (channel, reason, suppression_id) < (c.channel, r.reason, $2::uuid)
             and (channel, reason, suppression_id) >= (c.channel, r.reason, '${FIRST_ID}'::uuid)
           order by channel desc, reason desc, suppression_id desc limit $3
         ) as s
         order by suppression_id desc limit $3`,
    values,
  );
  return rows.map(toView);
}

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Addresses of a user are few (MAX_ADDED_ADDRESSES), suppressions of a tenant many. */
function hashesOfUser(user: string): string {
  return `= any(array(select hash from addresses where tenant_id = $1 and user_id = ${user} and hash > ''))`;
}

/** Reads all suppressions of a filter, newest first, a page at a time. One that is added meanwhile may be missing. */
export async function* streamSuppressions(
  connection: Connection,
  tenantId: string,
  filter: SuppressionFilter,
  pageSize = 500,
): AsyncGenerator<readonly SuppressionView[]> {
  for (let before: string | null = null, isOver = false; !isOver; ) {
    const page: SuppressionView[] = await listSuppressions(connection, tenantId, filter, pageSize, before);
    if (page.length > 0) yield page;
    before = page.at(-1)?.suppression_id ?? null;
    isOver = page.length < pageSize;
  }
}

/** Returns the suppression of a tenant with this id; undefined: no suppression has it. */
export async function loadSuppression(
  connection: Connection,
  tenantId: string,
  id: string,
): Promise<SuppressionView | undefined> {
  const { rows } = await connection.query(
    `select ${COLUMNS} from suppressions where tenant_id = $1 and suppression_id = $2`,
    [tenantId, id],
  );
  return rows[0] && toView(rows[0]);
}

function toKey({ tenantId, channel, addressHash, scope }: Suppression): string {
  return JSON.stringify([tenantId, channel, addressHash, scope]);
}

/** Notes a suppression that was added or removed. */
async function noteChange(
  connection: Connection,
  change: Parameters<typeof reportSuppression>[1],
  actor: Actor,
  now: Millis,
  detail: JsonObject = {},
): Promise<void> {
  const { tenantId, type, view, addressHash } = change;
  const state = view as unknown as JsonObject;
  const [before, after] = type === 'suppression.added' ? [null, state] : [state, null];
  const entry = { tenantId, actor, action: type, subject: view.suppression_id, before, after };
  // By the hash, an erasure finds the entry also when the suppression is lifted.
  await appendAuditEntry(connection, { ...entry, detail: { ...detail, address_hash: addressHash } }, now);
  await reportSuppression(connection, change, now);
}

// biome-ignore lint/suspicious/noExplicitAny: a row of COLUMNS, named column by column below
function toView(row: any): SuppressionView {
  return {
    suppression_id: row.suppression_id,
    channel: row.channel,
    address: row.address_mask,
    scope: row.scope,
    reason: row.reason,
    since: isoTime(row.since),
    until: row.until === null ? null : isoTime(row.until),
    evidence: row.evidence,
  };
}
