import type { Millis } from '../../model/event.ts';
import { advanceSteps } from '../deliveries/fallbacks.ts';
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
 * already is not noted again, also not of an item that was unread in between. Channels that would be tried after the inbox are cancelled.
 */
export async function noteReading(
  connection: Connection,
  tenantId: string,
  items: readonly ReadItem[],
  now: Millis,
): Promise<void> {
  if (items.length === 0) return;
  const { rows } = await connection.query<{ notificationId: string; channel: string; step: number | null }>({
    name: 'note-reading',
    text: NOTE_READING,
    values: [
      tenantId,
      packTextArray(items.map(({ notificationId }) => notificationId)),
      packTextArray(items.map(({ isRead }) => String(isRead))),
    ],
  });
  const reached = rows.flatMap(({ step, ...of }) => (step === null ? [] : [{ ...of, tenantId, step, reached: true }]));
  await advanceSteps(connection, reached, now);
}

const NOTE_READING = `
update deliveries as d
set receipt_flags = coalesce(d.receipt_flags, '{}') || array(
  select f from unnest(case when r.read::boolean then array['opened', 'read'] else array['opened'] end) as f
  where f <> all (coalesce(d.receipt_flags, '{}')))
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')) with ordinality as r(n, read, i)
where d.tenant_id = $1 and d.notification_id = r.n::uuid and d.channel = 'in_app' and d.target = '' and ${selectivityHint('r.i')}
  and not (coalesce(d.receipt_flags, '{}') @> case when r.read::boolean then array['opened', 'read'] else array['opened'] end)
returning d.notification_id as "notificationId", d.channel, d.step`;
