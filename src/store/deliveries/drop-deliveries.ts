import type pg from 'pg';
import type { Millis } from '../../model/event.ts';
import type { Verdict } from '../../model/plan.ts';
import { isoTime } from '../../time/iso-time.ts';
import { selectivityHint } from '../pg/selectivity-hint.ts';
import { withTransaction } from '../pg/transaction.ts';
import { type ClaimedDelivery, keyColumns } from './claimed-delivery.ts';
import { advanceSteps } from './fallbacks.ts';

/** A claimed delivery that the plan drops. */
export interface DroppedDelivery {
  readonly delivery: ClaimedDelivery;
  readonly verdict: Verdict;
  /** A sentence. */
  readonly reason: string;
}

/**
 * Ends claimed deliveries that the plan drops: no attempt counts, and of channels that are tried one after the other the next
 * is due. One that was claimed again since stays as it is.
 */
export async function dropDeliveries(pool: pg.Pool, dropped: readonly DroppedDelivery[], now: Millis): Promise<void> {
  await withTransaction(pool, async (connection) => {
    const { rows } = await connection.query<{ i: number }>({
      name: 'drop-deliveries',
      text: `update deliveries as d
             set status = 'dropped', attempts = attempts - 1, hold_code = null, finished_at = $6, reason_code = r.c2,
                 reason = r.w, plan = r.p::json, send_started = false
             from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::int[], $7::text[], $8::text[], $9::text[])
               with ordinality as r(t, n, c, g, f, c2, w, p, i)
             where d.tenant_id = r.t and d.notification_id = r.n and d.channel = r.c and d.target = r.g and d.fence = r.f
               and d.status = 'sending' and ${selectivityHint('r.f')}
             returning r.i::int as i`,
      values: [
        ...keyColumns(dropped.map(({ delivery }) => delivery)),
        isoTime(now),
        dropped.map(({ verdict }) => verdict.code),
        dropped.map(({ reason }) => reason),
        dropped.map(({ verdict }) => JSON.stringify(verdict)),
      ],
    });
    const steps = rows.flatMap(({ i }) => {
      const { tenantId, notificationId, channel, step } = dropped[i - 1]!.delivery;
      return step === null ? [] : [{ tenantId, notificationId, channel, step, reached: false }];
    });
    await advanceSteps(connection, steps, now);
  });
}
