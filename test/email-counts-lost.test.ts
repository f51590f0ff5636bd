import { expect, test } from 'vitest';
import { EmailEnds } from '../src/delivery/email-ends.ts';
import { type Settlement, settleDeliveries } from '../src/store/deliveries/settlements.ts';
import { type DeliveryTidings, settlementOf, useDeliveries } from './support/deliveries.ts';
import { silent } from './support/tidings.ts';

/** Counts of accepted emails that a process holds back: lost with it, or late. No pause is hidden by that, and none is lifted. */

const start = useDeliveries();
const KEY = { tenantId: 'default', notificationType: 'MAIL' };

/** A process: its counts of emails, and what it does with them as the settler does. */
function startProcess(tidings: DeliveryTidings) {
  const { pool } = tidings.database;
  const ends = new EmailEnds(pool, silent);
  /** Settles emails; `accepted` of a provider without receipts, or one that bounced. */
  const settle = async (
    batch: readonly { delivery: object; settlement: Settlement }[],
    settlements: Settlement[] = [],
  ) => {
    const emails = ends.take(batch as never, []);
    await settleDeliveries(pool, 'w', settlements, tidings.clock.now, [], { emails });
    await ends.judge(emails, tidings.clock.now);
  };
  const one = (settlement: object) => ({
    delivery: { ...KEY, channel: 'email' },
    settlement: settlement as Settlement,
  });
  return {
    accept: (count: number) =>
      settle(Array.from({ length: count }, () => one({ status: 'sent', attempt: { outcome: 'sent' } }))),
    /** Lets this many emails bounce, one after the other. */
    async bounce(count: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        await tidings.post('mail', { user: `u${n}` });
        const claimed = await tidings.claim('w');
        const settlement: Settlement = {
          ...settlementOf(claimed, 'dead'),
          reasonCode: 'address_dead',
          deadAs: 'invalid',
        };
        await settle([{ delivery: claimed, settlement }], [settlement]);
      }
    },
  };
}

const load = async ({ database }: DeliveryTidings) => {
  const { rows } = await database.pool.query(
    `select coalesce(sum(ended), 0)::int as ended, coalesce(sum(bounced), 0)::int as bounced,
            (select paused_at is not null from email_standings where notification_type = 'MAIL') as paused
     from email_counts where notification_type = 'MAIL'`,
  );
  return rows[0];
};

test('a process that dies loses what it accepted, not a bounce: the others pause all the same', async () => {
  const tidings = await start({});
  const [dead, alive] = [startProcess(tidings), startProcess(tidings)];
  await dead.accept(300);
  await alive.accept(450);
  await alive.bounce(49);
  expect(await load(tidings)).toEqual({ ended: 499, bounced: 49, paused: null });
  await alive.bounce(1);
  // 50 of 500, where 50 of 800 had ended: the pause comes early.
  expect(await load(tidings)).toEqual({ ended: 500, bounced: 50, paused: true });
}, 60_000);

test('what another process counts late hides no pause beyond the next bounce, and lifts none', async () => {
  const tidings = await start({});
  const [late, other] = [startProcess(tidings), startProcess(tidings)];
  await late.accept(440);
  await other.bounce(60);
  expect(await load(tidings)).toEqual({ ended: 60, bounced: 60, paused: null });
  // Its bounce brings along what it held back: 61 of 501.
  await late.bounce(1);
  expect(await load(tidings)).toEqual({ ended: 501, bounced: 61, paused: true });
  await late.accept(5000);
  await late.bounce(1);
  expect(await load(tidings)).toMatchObject({ bounced: 62, paused: true });
}, 60_000);
