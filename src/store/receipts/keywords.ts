import type { Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { Connection } from '../pg/pool.ts';

/** Time in ms for which a keyword is remembered: no provider repeats a request for longer. */
const KEPT_MS: Millis = 24 * 3_600_000;

/**
 * Notes for a day that a keyword has counted. Returns false if it had counted already: its request
 * was repeated. One that comes at the same time waits.
 */
export async function noteKeyword(
  connection: Connection,
  { tenantId, provider, account }: { readonly tenantId: string; readonly provider: string; readonly account: string },
  receiptId: string,
  now: Millis,
): Promise<boolean> {
  const { rowCount } = await connection.query({
    name: 'note-keyword',
    text: `insert into idempotency_keys (tenant_id, actor, route, key, fingerprint, status, expires_at)
           values ($1, 'system receipts', $2, $3, '', 204, $4) on conflict do nothing`,
    values: [tenantId, `keyword of ${provider}/${account}`, receiptId, isoTime(now + KEPT_MS)],
  });
  return rowCount === 1;
}
