import { packTextArray } from '../pg/params.ts';
import type { Connection } from '../pg/pool.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';

/** An item of an inbox that was on the screen, and perhaps was read. */
export interface ReadItem {
  readonly notificationId: string;
  readonly isRead: boolean;
}

/**
 * Notes on the deliveries of items what their user did with them, as a receipt would; metrics count from there. What a delivery has
 * already is not noted again, also not of an item that was unread in between.
 */
export async function noteReading(connection: Connection, tenantId: string, items: readonly ReadItem[]): Promise<void> {
  if (items.length === 0) return;
  await connection.query({
    name: 'note-reading',
    text: NOTE_READING,
    values: [
      tenantId,
      packTextArray(items.map(({ notificationId }) => notificationId)),
      packTextArray(items.map(({ isRead }) => String(isRead))),
    ],
  });
}

/** Each column of the key comes from the rows that are joined: no plan can begin with all deliveries of a tenant, however few there are. */
const NOTE_READING = `
with r as materialized (
  select $1::text as tenant_id, n::uuid as notification_id, 'in_app' as channel, '' as target, i,
         case when read::boolean then array['opened', 'read'] else array['opened'] end as flags
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')) with ordinality as q(n, read, i)
)
update deliveries as d
set receipt_flags = coalesce(d.receipt_flags, '{}') || array(
  select f from unnest(r.flags) as f where f <> all (coalesce(d.receipt_flags, '{}')))
from r
where d.tenant_id = r.tenant_id and d.notification_id = r.notification_id and d.channel = r.channel and d.target = r.target
  and ${selectivityHint('r.i')} and not (coalesce(d.receipt_flags, '{}') @> r.flags)`;
