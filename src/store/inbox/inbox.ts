import type pg from 'pg';
import type { Message } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { documentRow, openDocument } from '../../privacy/documents.ts';
import type { Seal } from '../../privacy/seal.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';
import { withTransaction } from '../pg/transaction.ts';
import { noteReading } from './note-reading.ts';

/** An inbox: that of one user. */
export interface InboxOf {
  readonly tenantId: string;
  readonly userId: string;
}

/** Items that a list shows; `active` are those that are neither archived nor snoozed, and have not expired. */
export const INBOX_VIEWS = ['active', 'unread', 'read', 'unseen', 'archived', 'snoozed', 'all'] as const;
export type InboxView = (typeof INBOX_VIEWS)[number];

export const ITEM_ACTIONS = ['read', 'unread', 'seen', 'archive', 'unarchive', 'snooze', 'unsnooze'] as const;
export type ItemAction = (typeof ITEM_ACTIONS)[number];

/** Items that are counted, at most: a count of so many means at least so many. */
export const MAX_COUNTED = 1000;
/** Bytes of sealed messages in one page; the messages beyond are null. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

export interface InboxItem {
  readonly notificationId: string;
  readonly sequence: number;
  readonly change: number;
  readonly notificationType: string;
  readonly createdAt: Millis;
  readonly seenAt: Millis | null;
  readonly readAt: Millis | null;
  readonly archivedAt: Millis | null;
  readonly snoozedUntil: Millis | null;
  readonly expiresAt: Millis | null;
  /** Null: it cannot be opened with the current key, or the page has no room for it. */
  readonly message: Message | null;
}

/** Numbers of an inbox. */
export interface InboxCounts {
  /** Active items, at most MAX_COUNTED. */
  readonly unread: number;
  readonly unseen: number;
  /** Number of the latest change. */
  readonly position: number;
  /** When the next item returns from its snooze, or expires; null: none does. */
  readonly nextAt: Millis | null;
}

interface ItemRow {
  readonly notification_id: string;
  readonly sequence: string;
  readonly change: string;
  readonly notification_type: string;
  readonly created_at: Millis;
  readonly seen_at: Millis | null;
  readonly read_at: Millis | null;
  readonly archived_at: Millis | null;
  readonly snoozed_until: Millis | null;
  readonly expires_at: Millis | null;
  readonly sealed: Buffer | null;
}

const STATES =
  'notification_id, sequence, change, notification_type, created_at, seen_at, read_at, archived_at, snoozed_until, expires_at';

/** The condition of an item that is on show now. `$3`: the time. */
const ACTIVE =
  'archived_at is null and (snoozed_until is null or snoozed_until <= $3) and (expires_at is null or expires_at > $3)';

const CONDITIONS: { readonly [view in InboxView]: string } = {
  active: ACTIVE,
  unread: `${ACTIVE} and read_at is null`,
  read: `${ACTIVE} and read_at is not null`,
  unseen: `${ACTIVE} and seen_at is null`,
  archived: 'archived_at is not null and $3::timestamptz is not null',
  snoozed: 'archived_at is null and snoozed_until > $3',
  all: '$3::timestamptz is not null',
};

/** Returns items of an inbox, the latest first. @param before only those with a smaller sequence; null: from the latest */
export async function listInbox(
  connection: Connection,
  seal: Seal,
  of: InboxOf,
  page: {
    readonly view: InboxView;
    /** Null: of all types. */
    readonly notificationTypes: readonly string[] | null;
    readonly before: number | null;
    readonly limit: number;
    readonly now: Millis;
  },
): Promise<InboxItem[]> {
  const select = `select ${STATES}, sealed from inbox_items
    where tenant_id = $1 and user_id = $2 and ${CONDITIONS[page.view]} and ($4::text[] is null or notification_type = any ($4))
      and sequence < $5::bigint order by sequence desc limit $6`;
  const before = page.before ?? Number.MAX_SAFE_INTEGER;
  const values = [of.tenantId, of.userId, isoTime(page.now), page.notificationTypes, before, page.limit];
  return loadItems(connection, seal, of, select, 'sequence desc', values);
}

/** Returns the items that have changed since a position, in order of their changes. */
export async function listInboxChanges(
  connection: Connection,
  seal: Seal,
  of: InboxOf,
  since: number,
  limit: number,
): Promise<InboxItem[]> {
  const select = `select ${STATES}, sealed from inbox_items
    where tenant_id = $1 and user_id = $2 and change > $3::bigint order by change limit $4`;
  return loadItems(connection, seal, of, select, 'change', [of.tenantId, of.userId, since, limit]);
}

/** Returns the numbers of an inbox; `marked` is the number of the latest change of all its items at once. */
export async function loadInboxCounts(
  connection: Connection,
  { tenantId, userId }: InboxOf,
  now: Millis,
): Promise<InboxCounts & { readonly marked: number }> {
  const { rows } = await connection.query<
    { readonly [name in 'unread' | 'unseen' | 'position' | 'marked']: string } & { readonly next_at: Millis | null }
  >(
    `with open as (
       select read_at, seen_at from inbox_items
       where tenant_id = $1 and user_id = $2 and (read_at is null or seen_at is null) and ${ACTIVE}
       order by sequence desc limit ${MAX_COUNTED}
     )
     select (select count(*) filter (where read_at is null) from open) as unread,
            (select count(*) filter (where seen_at is null) from open) as unseen,
            coalesce((select last from inboxes where tenant_id = $1 and user_id = $2), 0) as position,
            coalesce((select marked from inboxes where tenant_id = $1 and user_id = $2), 0) as marked,
            (select least(min(snoozed_until) filter (where snoozed_until > $3), min(expires_at) filter (where expires_at > $3))
             from inbox_items where tenant_id = $1 and user_id = $2 and archived_at is null
               and (snoozed_until is not null or expires_at is not null)) as next_at`,
    [tenantId, userId, isoTime(now)],
  );
  const { unread, unseen, position, marked, next_at: nextAt } = rows[0] as (typeof rows)[number];
  return { unread: Number(unread), unseen: Number(unseen), position: Number(position), marked: Number(marked), nextAt };
}

const SEEN = 'seen_at = coalesce(seen_at, $4)';

/** New values of an action; `$4` is the time, `$5` until when it is snoozed. To read, archive or snooze an item is to see it. */
const CHANGES: { readonly [action in ItemAction]: { readonly set: string; readonly unless: string } } = {
  read: { set: `read_at = coalesce(read_at, $4), ${SEEN}`, unless: 'read_at is not null' },
  unread: { set: 'read_at = null', unless: 'read_at is null' },
  seen: { set: SEEN, unless: 'seen_at is not null' },
  archive: { set: `archived_at = coalesce(archived_at, $4), ${SEEN}`, unless: 'archived_at is not null' },
  unarchive: { set: 'archived_at = null', unless: 'archived_at is null' },
  snooze: { set: `snoozed_until = $5, ${SEEN}`, unless: 'snoozed_until is not distinct from $5::timestamptz' },
  unsnooze: { set: 'snoozed_until = null', unless: 'snoozed_until is null' },
};

/**
 * Changes an item. What is so already stays as it is, with its first time. Undefined: the inbox has no such item.
 * @param until until when it is snoozed; null for other actions
 */
export async function changeInboxItem(
  pool: pg.Pool,
  seal: Seal,
  of: InboxOf & { readonly notificationId: string },
  action: ItemAction,
  now: Millis,
  until: Millis | null,
): Promise<InboxItem | undefined> {
  const { set, unless } = CHANGES[action];
  const key = [of.tenantId, of.userId, of.notificationId];
  const times = [isoTime(now), until === null ? null : isoTime(until)];
  return withTransaction(pool, async (connection) => {
    await lockInbox(connection, of);
    await connection.query(
      `with one as (
         select notification_id from inbox_items
         where tenant_id = $1 and user_id = $2 and notification_id = $3::uuid and not (${unless})
           and $4::timestamptz is not null and $5::timestamptz is not distinct from $5
       ), counted as (
         update inboxes set last = last + 1 where tenant_id = $1 and user_id = $2 and exists (select from one) returning last
       )
       update inbox_items as i set ${set}, change = counted.last from counted
       where i.tenant_id = $1 and i.user_id = $2 and i.notification_id = $3::uuid`,
      [...key, ...times],
    );
    if (set.includes(SEEN))
      await noteReading(
        connection,
        of.tenantId,
        [{ notificationId: of.notificationId, isRead: action === 'read' }],
        now,
      );
    const select = `select ${STATES}, sealed from inbox_items where tenant_id = $1 and user_id = $2 and notification_id = $3::uuid`;
    const [item] = await loadItems(connection, seal, of, select, 'sequence', key);
    return item;
  });
}

/** Items that one statement marks. */
const MARK_CHUNK = 1000;

/**
 * Marks all items up to a sequence as read (and seen), or as seen: also those that are archived or snoozed. Returns how many.
 * A crash in between leaves a part marked; the caller repeats it.
 */
export async function markInbox(
  pool: pg.Pool,
  of: InboxOf,
  what: 'read' | 'seen',
  upTo: number,
  now: Millis,
): Promise<number> {
  const { set } = CHANGES[what];
  const isOpen = what === 'read' ? 'read_at is null' : 'seen_at is null';
  for (let marked = 0; ; ) {
    const count = await withTransaction(pool, async (connection) => {
      await lockInbox(connection, of);
      const { rows } = await connection.query<{ notificationId: string }>(
        `update inbox_items set ${set} where tenant_id = $1 and user_id = $2 and $3::bigint >= sequence and ${isOpen}
           and sequence in (select sequence from inbox_items where tenant_id = $1 and user_id = $2 and sequence <= $3::bigint
                            and ${isOpen} and $4::timestamptz is not null order by sequence limit ${MARK_CHUNK})
         returning notification_id as "notificationId"`,
        [of.tenantId, of.userId, upTo, isoTime(now)],
      );
      if (rows.length > 0) {
        const items = rows.map((row) => ({ ...row, isRead: what === 'read' }));
        await noteReading(connection, of.tenantId, items, now);
        await connection.query(
          'update inboxes set last = last + 1, marked = last + 1 where tenant_id = $1 and user_id = $2',
          [of.tenantId, of.userId],
        );
      }
      return rows.length;
    });
    marked += count;
    if (count < MARK_CHUNK) return marked;
  }
}

/** Returns the inboxes among these that have changed since the positions given, by their places in the list. */
export async function findChangedInboxes(
  connection: Connection,
  inboxes: readonly (InboxOf & { readonly position: number })[],
): Promise<number[]> {
  const { rows } = await connection.query<{ i: string }>({
    name: 'find-changed-inboxes',
    text: `select r.i from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as r(t, u, p, i)
           cross join lateral (select from inboxes where tenant_id = r.t and user_id = r.u and last <> r.p limit 1) as n`,
    values: [inboxes.map((one) => one.tenantId), inboxes.map((one) => one.userId), inboxes.map((one) => one.position)],
  });
  return rows.map(({ i }) => Number(i) - 1);
}

/** Locks the counter of an inbox: each change of the inbox takes it first. */
async function lockInbox(connection: Connection, { tenantId, userId }: InboxOf): Promise<void> {
  await connection.query('select from inboxes where tenant_id = $1 and user_id = $2 for update', [tenantId, userId]);
}

async function loadItems(
  connection: Connection,
  seal: Seal,
  { tenantId, userId }: InboxOf,
  select: string,
  order: string,
  values: readonly unknown[],
): Promise<InboxItem[]> {
  const { rows } = await connection.query<ItemRow>(
    `select ${STATES}, case when sum(octet_length(sealed)) over (order by ${order}) <= ${MAX_MESSAGE_BYTES} then sealed end as sealed
     from (${select}) as found order by ${order}`,
    [...values],
  );
  return rows.map((row) => ({
    notificationId: row.notification_id,
    sequence: Number(row.sequence),
    change: Number(row.change),
    notificationType: row.notification_type,
    createdAt: row.created_at,
    seenAt: row.seen_at,
    readAt: row.read_at,
    archivedAt: row.archived_at,
    snoozedUntil: row.snoozed_until,
    expiresAt: row.expires_at,
    message: row.sealed && openMessage(seal, row.sealed, tenantId, userId, row.notification_id),
  }));
}

function openMessage(seal: Seal, sealed: Buffer, tenantId: string, userId: string, id: string): Message | null {
  return (openDocument(seal, sealed, documentRow('inbox_items', tenantId, userId, id)) as Message | undefined) ?? null;
}
