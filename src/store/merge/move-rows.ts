import type pg from 'pg';
import { TidingsError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import { documentRow, moveDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { MAX_USER_DEVICES } from '../devices/devices.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';

/*
 * Rows that go from one user to another, in the transaction of the merge. What is sealed is bound to its user, and sealed
 * again.
 */

/** The users of a merge. */
export interface Move {
  readonly tenantId: string;
  readonly from: string;
  readonly into: string;
  readonly now: Millis;
}

/** Rows of a table that one merge moves, at most. */
const MAX_MOVED_ROWS = 10_000;

/** Rows in memory at once: each may have some megabytes. */
const PAGE_ROWS = 50;

/**
 * Time in ms for which a delivery that moves is not claimed. A claim reads the delivery as it is and its notification as it
 * was: one that is under way at the commit would find no notification. It looks again whether a row that changed is due, and
 * leaves this one.
 */
const MOVED_PAUSE_MS: Millis = 5000;

type MovedTable = 'waits' | 'notifications' | 'inbox_items';

const KEYS = { waits: 'wait_id', notifications: 'notification_id', inbox_items: 'notification_id' } as const;

/** Moves the open waits, which keep their due times. Returns how many. */
export async function moveWaits(connection: pg.PoolClient, seal: Seal, move: Move): Promise<number> {
  const { rows } = await connection.query<{ id: string }>(
    `select wait_id as id from waits where tenant_id = $1 and user_id = $2 and status = 'waiting'
     order by due_at limit ${MAX_MOVED_ROWS + 1} for update`,
    [move.tenantId, move.from],
  );
  return moveSealed(connection, seal, move, 'waits', toIds(rows, 'open waits'));
}

/** Moves the notifications that have a delivery which has not ended, with their deliveries. Returns how many. */
export async function moveOpenNotifications(connection: pg.PoolClient, seal: Seal, move: Move): Promise<number> {
  const { tenantId, from, into, now } = move;
  const { rows } = await connection.query<{ id: string }>(
    `select n.notification_id as id from notifications as n
     where n.tenant_id = $1 and n.user_id = $2 and exists (
       select from deliveries as d where d.tenant_id = $1 and d.notification_id = n.notification_id and d.finished_at is null)
     order by n.notification_id limit ${MAX_MOVED_ROWS + 1}`,
    [tenantId, from],
  );
  const ids = toIds(rows, 'notifications that are not sent yet');
  const moved = await moveSealed(connection, seal, move, 'notifications', ids);
  await connection.query(
    `update deliveries set user_id = $4,
            due_at = case when finished_at is null and worker is null then greatest(due_at, $5) else due_at end
     where tenant_id = $1 and user_id = $2 and notification_id = any($3::uuid[])`,
    [tenantId, from, ids, into, isoTime(now + MOVED_PAUSE_MS)],
  );
  return moved;
}

/**
 * Moves the messages of the inbox; they stand after those that the other user has. Returns how many. The user comes with the rows: a
 * planner that knows nothing of a table that has just grown would otherwise look each of them up among all rows of the user.
 */
export async function moveInbox(connection: pg.PoolClient, seal: Seal, move: Move): Promise<number> {
  const { tenantId, from, into } = move;
  await connection.query(`select from inboxes where tenant_id = $1 and user_id = $2 for update`, [tenantId, from]);
  const { rows } = await connection.query<{ id: string }>(
    `select notification_id as id from inbox_items where tenant_id = $1 and user_id = $2
     order by sequence limit ${MAX_MOVED_ROWS + 1} for update`,
    [tenantId, from],
  );
  const ids = toIds(rows, 'messages of the inbox');
  const moved = await moveSealed(connection, seal, move, 'inbox_items', ids);
  if (moved > 0) {
    await connection.query(
      `with counted as (
         insert into inboxes (tenant_id, user_id, last) values ($1, $2, $4)
         on conflict (tenant_id, user_id) do update set last = inboxes.last + $4
         returning last - $4 as base
       )
       update inbox_items as i set sequence = base + q.n, change = base + q.n
       from counted, (select *, $2::text as of from unnest($3::uuid[]) with ordinality as q(id, n) offset 0) as q
       where i.tenant_id = $1 and i.user_id = q.of and i.notification_id = q.id`,
      [tenantId, into, ids, moved],
    );
  }
  await connection.query('delete from inboxes where tenant_id = $1 and user_id = $2', [tenantId, from]);
  return moved;
}

/**
 * Unites the uses of limits: of each period the greater number counts, and of a rolling period the uses of both.
 * Returns how many were added.
 */
export async function moveLimitUses(connection: pg.PoolClient, { tenantId, from, into }: Move): Promise<number> {
  const { rowCount } = await connection.query(
    `with moved as (delete from limit_uses where tenant_id = $1 and user_id = $2 returning *)
     insert into limit_uses (tenant_id, user_id, limit_key, bucket, slot, event_time, event_id, notification_id)
     select tenant_id, $3, limit_key, bucket, slot, event_time, event_id, notification_id from moved
     on conflict (tenant_id, user_id, limit_key, bucket, slot) do nothing`,
    [tenantId, from, into],
  );
  return rowCount ?? 0;
}

/** Moves the variants of rules that the user was in; where both were in one, that of the other user stays. */
export async function moveExposures(connection: pg.PoolClient, { tenantId, from, into }: Move): Promise<void> {
  await connection.query(
    `with moved as (delete from exposures where tenant_id = $1 and user_id = $2 returning *)
     insert into exposures (tenant_id, user_id, rule, variant, at, goal_at)
     select tenant_id, $3, rule, variant, at, goal_at from moved on conflict do nothing`,
    [tenantId, from, into],
  );
}

/** Moves the devices; beyond MAX_USER_DEVICES those that were seen last stay. Returns how many were moved. */
export async function moveDevices(connection: pg.PoolClient, { tenantId, from, into, now }: Move): Promise<number> {
  const { rowCount } = await connection.query('update devices set user_id = $3 where tenant_id = $1 and user_id = $2', [
    tenantId,
    from,
    into,
  ]);
  if (!rowCount) return 0;
  await connection.query(
    `update devices set retired_at = $3, retired_code = 'removed' where tenant_id = $1 and device_id in (
       select device_id from devices where tenant_id = $1 and user_id = $2 and retired_at is null
       order by seen_at desc, device_id desc offset ${MAX_USER_DEVICES})`,
    [tenantId, into, isoTime(now)],
  );
  return rowCount;
}

/** Moves the products, and what connectors have to do for the user. */
export async function moveProducts(connection: pg.PoolClient, { tenantId, from, into }: Move): Promise<void> {
  for (const table of ['connector_tasks', 'user_products']) {
    await connection.query(`update ${table} set user_id = $3 where tenant_id = $1 and user_id = $2`, [
      tenantId,
      from,
      into,
    ]);
  }
}

function toIds(rows: readonly { readonly id: string }[], what: string): string[] {
  if (rows.length <= MAX_MOVED_ROWS) return rows.map(({ id }) => id);
  throw new TidingsError('too_much_to_merge', `The user has more than ${MAX_MOVED_ROWS.toLocaleString('en')} ${what}.`);
}

/** Moves rows of a table, a page in memory at a time. */
async function moveSealed(
  connection: pg.PoolClient,
  seal: Seal,
  { tenantId, from, into }: Move,
  table: MovedTable,
  ids: readonly string[],
): Promise<number> {
  const key = KEYS[table];
  for (let start = 0; start < ids.length; start += PAGE_ROWS) {
    const { rows } = await connection.query<{ id: string; sealed: Buffer | null }>(
      `select q.id, t.sealed from unnest($3::uuid[]) as q(id) cross join lateral (
         select sealed from ${table} where tenant_id = $1 and user_id = $2 and ${key} = q.id limit 1) as t`,
      [tenantId, from, ids.slice(start, start + PAGE_ROWS)],
    );
    const moved = rows.map(({ id, sealed }, n) => {
      const [own, next] = [documentRow(table, tenantId, from, id), documentRow(table, tenantId, into, id)];
      const resealed = sealed && reseal(() => moveDocument(seal, sealed, own, next));
      return { n, id, sealed: resealed?.toString('base64') ?? null };
    });
    // The user comes with the rows: a planner that does not know how many rows a user has would begin with all of them.
    await connection.query(
      `update ${table} as t set user_id = $3, sealed = decode(r.sealed, 'base64')
       from (select *, $2::text as of from json_to_recordset($4) as q(n int, id uuid, sealed text) offset 0) as r
       where t.tenant_id = $1 and t.user_id = r.of and t.${key} = r.id and ${selectivityHint('r.n')}`,
      [tenantId, from, into, JSON.stringify(moved)],
    );
  }
  return ids.length;
}

/** Returns what was sealed again. @throws TidingsError `not_readable` if it cannot be opened */
export function reseal<T>(work: () => T): T {
  try {
    return work();
  } catch {
    throw unreadable();
  }
}

export function unreadable(): TidingsError {
  return new TidingsError(
    'not_readable',
    'Data of a user cannot be opened under the current encryption key; nothing was changed.',
  );
}
