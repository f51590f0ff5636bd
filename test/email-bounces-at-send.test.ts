import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { settleDeliveries } from '../src/store/deliveries/settlements.ts';
import { type DeliveryTidings, eventOf, settlementOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

/** Bounces that the send itself tells, by a provider without receipts: they count for the share as receipts do, once. */

const start = useDeliveries();
const DEAD: SendOutcome = { kind: 'address_dead', code: '5.1.1', reason: 'no such mailbox' };
const POLICY: SendOutcome = { kind: 'rejected', code: '5.7.1', reason: 'we do not take your mail' };
const FULL: SendOutcome = { kind: 'retry', of: 'recipient', code: '4.2.2', reason: 'mailbox full' };

async function send(tidings: DeliveryTidings, count: number, user: string): Promise<void> {
  await tidings.ingest(
    Array.from({ length: count }, (_, n) =>
      eventOf('mail', { n, user: `${user}${n}`, traits: { email: `${user}${n}@example.com` } }),
    ),
  );
}

const countEmails = async ({ database }: DeliveryTidings) => {
  const { rows } = await database.pool.query(
    `select notification_type as type, sum(ended)::int as ended, sum(bounced)::int as bounced from email_counts group by 1 order by 1`,
  );
  return rows;
};

test('dead addresses and rejections for policy count once, beside the emails that were accepted; full mailboxes do not', async () => {
  const provider = fakeProvider(({ userId }) => {
    if (userId.startsWith('dead')) return DEAD;
    if (userId.startsWith('policy')) return POLICY;
    return userId.startsWith('full') ? FULL : DELIVERED;
  });
  const tidings = await start({ email: provider });
  await send(tidings, 40, 'works');
  await tidings.worker();
  await expect.poll(() => tidings.countDeliveries('sent')).toBe(40);
  await send(tidings, 1, 'full');
  await expect.poll(() => provider.calls.length).toBe(41);
  await send(tidings, 2, 'dead');
  await send(tidings, 1, 'policy');
  await expect.poll(() => tidings.countDeliveries('dead')).toBe(3);
  await expect
    .poll(() => countEmails(tidings))
    .toEqual([
      { type: '', ended: 43, bounced: 3 },
      { type: 'MAIL', ended: 43, bounced: 3 },
    ]);
});

test('a share that is too high alerts, then pauses, each with one notice and one entry of the audit log', async () => {
  const notices: { notice?: string; cause?: string; notification_type?: string | null }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => notices.push(JSON.parse(line)) });
  const tidings = await start({
    email: fakeProvider(({ userId }) => (userId.startsWith('dead') ? DEAD : DELIVERED)),
  });
  await tidings.worker({ log });
  await send(tidings, 475, 'works');
  await expect.poll(() => tidings.countDeliveries('sent'), { timeout: 20_000 }).toBe(475);
  await send(tidings, 25, 'dead');
  await expect.poll(() => tidings.countDeliveries('dead'), { timeout: 20_000 }).toBe(25);
  const seen = () =>
    notices.flatMap(({ notice, notification_type: type }) =>
      notice?.startsWith('email.') ? [`${notice} ${type ?? 'all'}`] : [],
    );
  await expect.poll(seen).toEqual(['email.alerted all', 'email.alerted MAIL']);
  expect(notices.find(({ notice }) => notice === 'email.alerted')?.cause).toBe('25 of 500 emails (5.00%) bounced');
  await send(tidings, 40, 'dead again');
  await expect
    .poll(seen, { timeout: 20_000 })
    .toEqual(['email.alerted all', 'email.alerted MAIL', 'email.paused all', 'email.paused MAIL']);
  const { rows } = await tidings.database.pool.query(
    `select action, count(*)::int as n from audit_log where action like 'email.%' group by 1 order by 1`,
  );
  expect(rows).toEqual([
    { action: 'email.alerted', n: 2 },
    { action: 'email.paused', n: 2 },
  ]);
}, 60_000);

test('a bounce whose settlement is recorded twice counts once, and that of a worker which lost the delivery does not', async () => {
  const tidings = await start({ email: fakeProvider() });
  await tidings.post('mail');
  const claimed = await tidings.claim('w');
  const settlement = settlementOf(claimed, 'dead');
  const settle = (one: typeof settlement) => {
    const emails = [{ tenantId: 'default', notificationType: 'MAIL', ended: 1, bounced: 1, settlement: one }];
    return settleDeliveries(tidings.database.pool, 'w', [one], tidings.clock.now, [], { emails });
  };
  await settle({ ...settlement, fence: settlement.fence - 1 });
  expect(await countEmails(tidings)).toEqual([]);
  await settle(settlement);
  await settle(settlement);
  expect(await countEmails(tidings)).toEqual([
    { type: '', ended: 1, bounced: 1 },
    { type: 'MAIL', ended: 1, bounced: 1 },
  ]);
});
