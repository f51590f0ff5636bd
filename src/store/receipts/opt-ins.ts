import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Returns whether the owner of an address has opted in after a time: what they left before that no longer counts, in whatever order it came. */
export async function hasOptedInLater(
  connection: Connection,
  address: { readonly tenantId: string; readonly channel: string; readonly addressHash: string },
  at: Millis,
): Promise<boolean> {
  const { rows } = await connection.query({
    name: 'has-opted-in-later',
    text: `select from receipts
           where tenant_id = $1 and channel = $2 and address_hash = $3 and at > $4 and kind = 'opted_in' limit 1`,
    values: [address.tenantId, address.channel, address.addressHash, isoTime(at)],
  });
  return rows.length > 0;
}
