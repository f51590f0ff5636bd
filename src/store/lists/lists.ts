import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { Actor } from '../../model/principal.ts';
import { isoTime } from '../../time/iso-time.ts';
import { appendAuditEntry } from '../audit-log.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';

/** Lists of a tenant, at most. */
export const MAX_LISTS = 1000;

/** Members that one statement deletes. */
const DELETED_MEMBERS = 10_000;

/** A named set of users, as the API shows it. Times are ISO 8601 in UTC. */
export interface ListView {
  readonly list_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly members: number;
  readonly created_by: string;
  readonly created_at: string;
  /** Time of the last change of its name, description or members. */
  readonly updated_at: string;
}

/** Tenant and actor of a change. */
export interface ListChange {
  readonly tenantId: string;
  readonly actor: Actor;
  readonly now: Millis;
}

const COLUMNS = 'list_id, name, description, members, created_by, created_at, updated_at';

interface ListRow {
  readonly list_id: string;
  readonly name: string;
  readonly description: string | null;
  readonly members: number;
  readonly created_by: string;
  readonly created_at: Millis;
  readonly updated_at: Millis;
}

function toView({ created_at, updated_at, ...row }: ListRow): ListView {
  return { ...row, created_at: isoTime(created_at), updated_at: isoTime(updated_at) };
}

/**
 * Stores a list without members; one of this id stays as it is. Returns why it cannot be: another one has the name, or there
 * are MAX_LISTS.
 */
export function insertList(
  pool: pg.Pool,
  { tenantId, actor, now }: ListChange,
  { listId, name, description }: Pick<ListRow, 'name' | 'description'> & { readonly listId: string },
): Promise<ListView | 'exists' | 'too_many'> {
  return withTransaction(pool, async (connection) => {
    // One at a time: two at once could exceed the bound.
    await connection.query(`select pg_advisory_xact_lock(hashtextextended('lists ' || $1, 0))`, [tenantId]);
    const known = await loadList(connection, tenantId, listId);
    if (known) return known;
    const { rows: counted } = await connection.query<{ count: number; taken: boolean }>(
      'select count(*)::int as count, coalesce(bool_or(name = $2), false) as taken from lists where tenant_id = $1',
      [tenantId, name],
    );
    const { count = 0, taken = false } = counted[0] ?? {};
    if (taken) return 'exists';
    if (count >= MAX_LISTS) return 'too_many';
    const { rows } = await connection.query<ListRow>(
      `insert into lists (tenant_id, list_id, name, description, created_by, created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $6) returning ${COLUMNS}`,
      [tenantId, listId, name, description, actor.name, isoTime(now)],
    );
    const entry = {
      tenantId,
      actor,
      action: 'list.created',
      subject: listId,
      detail: {},
      after: { name, description },
    };
    await appendAuditEntry(connection, entry, now);
    return toView(rows[0] as ListRow);
  });
}

/** Returns a list; undefined: no list has this id. */
export async function loadList(
  connection: Connection,
  tenantId: string,
  listId: string,
): Promise<ListView | undefined> {
  const { rows } = await connection.query<ListRow>(
    `select ${COLUMNS} from lists where tenant_id = $1 and list_id = $2`,
    [tenantId, listId],
  );
  return rows[0] && toView(rows[0]);
}

/** Returns a page of lists in the order of their names. @param after the name before the first; null: from the first on */
export async function loadLists(
  connection: Connection,
  tenantId: string,
  limit: number,
  after: string | null,
): Promise<ListView[]> {
  const { rows } = await connection.query<ListRow>(
    `select ${COLUMNS} from lists where tenant_id = $1 and ($2::text is null or name > $2) order by name limit $3`,
    [tenantId, after, limit],
  );
  return rows.map(toView);
}

/** Changes name and description. Undefined: there is no such list; `exists`: another one has the name. */
export function renameList(
  pool: pg.Pool,
  { tenantId, actor, now }: ListChange,
  listId: string,
  change: { readonly name?: string | undefined; readonly description?: string | null | undefined },
): Promise<ListView | 'exists' | undefined> {
  return withTransaction(pool, async (connection) => {
    await connection.query(`select pg_advisory_xact_lock(hashtextextended('lists ' || $1, 0))`, [tenantId]);
    const { rows } = await connection.query<ListRow>(
      `select ${COLUMNS} from lists where tenant_id = $1 and list_id = $2 for update`,
      [tenantId, listId],
    );
    const [known] = rows;
    if (!known) return undefined;
    const { name = known.name, description = known.description } = change;
    const { rows: others } = await connection.query<{ taken: boolean }>(
      'select exists (select from lists where tenant_id = $1 and name = $2 and list_id <> $3) as taken',
      [tenantId, name, listId],
    );
    if (others[0]?.taken) return 'exists';
    const { rows: changed } = await connection.query<ListRow>(
      `update lists set name = $3, description = $4, updated_at = $5 where tenant_id = $1 and list_id = $2
       returning ${COLUMNS}`,
      [tenantId, listId, name, description, isoTime(now)],
    );
    const states = {
      before: { name: known.name, description: known.description },
      after: { name, description },
    };
    const entry = { tenantId, actor, action: 'list.changed', subject: listId, detail: {}, ...states };
    await appendAuditEntry(connection, entry, now);
    return toView(changed[0] as ListRow);
  });
}

/**
 * Deletes a list, its members some at a time: what breaks off leaves a list with fewer members, to be deleted again. Returns
 * the list as it was; undefined: no list has this id.
 */
export async function deleteList(
  pool: pg.Pool,
  { tenantId, actor, now }: ListChange,
  listId: string,
): Promise<ListView | undefined> {
  const known = await loadList(pool, tenantId, listId);
  if (!known) return undefined;
  for (let count = DELETED_MEMBERS; count === DELETED_MEMBERS; ) {
    count = await withTransaction(pool, async (connection) => {
      await connection.query('select from lists where tenant_id = $1 and list_id = $2 for update', [tenantId, listId]);
      const { rowCount } = await connection.query(
        `delete from list_members where tenant_id = $1 and list_id = $2 and user_id in (
           select user_id from list_members where tenant_id = $1 and list_id = $2 order by user_id limit ${DELETED_MEMBERS})`,
        [tenantId, listId],
      );
      await connection.query('update lists set members = members - $3 where tenant_id = $1 and list_id = $2', [
        tenantId,
        listId,
        rowCount ?? 0,
      ]);
      return rowCount ?? 0;
    });
  }
  return withTransaction(pool, async (connection) => {
    // With those that were added meanwhile.
    const { rowCount } = await connection.query('delete from lists where tenant_id = $1 and list_id = $2', [
      tenantId,
      listId,
    ]);
    if (rowCount === 0) return undefined;
    const before = { name: known.name, members: known.members };
    const entry = { tenantId, actor, action: 'list.deleted', subject: listId, detail: {}, before };
    await appendAuditEntry(connection, entry, now);
    return known;
  });
}
