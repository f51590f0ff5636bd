import type { Category } from '../../model/catalog.ts';
import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Opt-ins of an address that are looked at, at most: the latest. */
const MAX_OPT_INS = 50;

/**
 * Returns the categories of the messages by which the owner of an address has opted in after a time, whatever order the reports
 * came in; undefined in it: the message is gone. Empty: they have not.
 */
export async function loadLaterOptIns(
  connection: Connection,
  address: { readonly tenantId: string; readonly channel: string; readonly addressHash: string },
  at: Millis,
): Promise<(Category | undefined)[]> {
  const { rows } = await connection.query<{ category: Category | null }>({
    name: 'load-later-opt-ins',
    text: `select n.category from receipts as r
           left join deliveries as d on d.tenant_id = r.tenant_id and d.notification_id = r.notification_id and d.channel = r.channel
             and d.target = r.target
           left join notifications as n on n.tenant_id = r.tenant_id and n.user_id = d.user_id and n.notification_id = r.notification_id
           where r.tenant_id = $1 and r.channel = $2 and r.address_hash = $3 and r.at > $4 and r.kind = 'opted_in'
           order by r.at desc limit ${MAX_OPT_INS}`,
    values: [address.tenantId, address.channel, address.addressHash, isoTime(at)],
  });
  return rows.map(({ category }) => category ?? undefined);
}
