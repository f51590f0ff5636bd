import type { Connection } from './pg/pool.ts';

/** A toggle, and whose it is. */
export interface ToggleRow {
  readonly toggleId: string;
  readonly userId: string;
  readonly notificationType: string;
}

/**
 * Notes the toggles of a user, so that each is found by its id. Those of types that are no longer listed are forgotten: a user
 * has one row for each type at most. Writes nothing if they are noted already.
 */
export async function noteToggles(
  connection: Connection,
  tenantId: string,
  userId: string,
  toggles: readonly Omit<ToggleRow, 'userId'>[],
): Promise<void> {
  const ids = toggles.map(({ toggleId }) => toggleId);
  const { rows } = await connection.query<{ toggle_id: string }>(
    'select toggle_id from toggles where tenant_id = $1 and user_id = $2',
    [tenantId, userId],
  );
  const known = new Set(rows.map(({ toggle_id: id }) => id));
  if (known.size === ids.length && ids.every((id) => known.has(id))) return;
  const types = toggles.map(({ notificationType }) => notificationType);
  await connection.query(
    `with gone as (
       delete from toggles where tenant_id = $1 and user_id = $2 and toggle_id <> all($3::uuid[])
     )
     insert into toggles (tenant_id, user_id, toggle_id, notification_type)
     select $1, $2, id, type from unnest($3::uuid[], $4::text[]) as q(id, type)
     where exists (select from users where tenant_id = $1 and user_id = $2)
     on conflict do nothing`,
    [tenantId, userId, ids, types],
  );
}

/** Returns whose toggle this is; undefined: none of the tenant has the id. */
export async function findToggleRow(
  connection: Connection,
  tenantId: string,
  toggleId: string,
): Promise<Omit<ToggleRow, 'toggleId'> | undefined> {
  const { rows } = await connection.query<{ user_id: string; notification_type: string }>(
    'select user_id, notification_type from toggles where tenant_id = $1 and toggle_id = $2',
    [tenantId, toggleId],
  );
  return rows[0] && { userId: rows[0].user_id, notificationType: rows[0].notification_type };
}
