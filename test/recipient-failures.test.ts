import { afterEach, describe, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

const start = useDeliveries();
const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function openSmtp(): Promise<{ sink: MailSink; smtp: ReturnType<typeof smtpProvider> }> {
  const sink = await mailSink();
  const smtp = smtpProvider({ url: sink.url, from: 'bank@example.com' });
  cleanup.push(
    () => sink.close(),
    () => smtp.close(),
  );
  return { sink, smtp };
}

const emailsTo = (domain: string, count: number) =>
  Array.from({ length: count }, (_, n) =>
    eventOf('mail', { n, user: `${domain} ${n}`, traits: { email: `user${n}@${domain}` } }),
  );

describe('what concerns recipients does not slow others', () => {
  test('67 full mailboxes do not open the circuit: a healthy address gets its email meanwhile', async () => {
    const { sink, smtp } = await openSmtp();
    sink.trouble({ rcpt: { code: 452, text: '4.2.2 mailbox full', of: /@full\.example$/ } });
    const tidings = await start({ email: smtp });
    const worker = await tidings.worker();
    await tidings.ingest(emailsTo('full.example', 67));
    await expect.poll(() => sink.recipients().length).toBeGreaterThanOrEqual(67);
    await expect.poll(() => worker.busy).toBe(0);
    expect(worker.openCircuits()).toEqual([]);
    await tidings.becomes(await tidings.post('mail', { traits: { email: 'well@example.com' } }), 'sent', 1);
    expect(await tidings.countDeliveries('queued')).toBe(67);
  });

  test('a dead address ends its own delivery', async () => {
    const { sink, smtp } = await openSmtp();
    sink.trouble({ rcpt: { code: 550, text: '5.1.1 no such user' } });
    const tidings = await start({ email: smtp });
    await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'dead', 1);
    expect(await tidings.delivery(id)).toMatchObject({
      reason_code: 'address_dead',
      reason: 'Rejected: the address does not exist (550 5.1.1)',
    });
    expect(await tidings.attempts(id)).toMatchObject([{ outcome: 'address_dead', response: '550 5.1.1 no such user' }]);
  });

  test('a domain that cannot be reached waits alone, without attempts, until one probe succeeds', async () => {
    const { sink, smtp } = await openSmtp();
    sink.trouble({ rcpt: { code: 451, text: '4.4.1 no answer from host', of: /@down\.example$/ } });
    const tidings = await start({ email: smtp });
    const worker = await tidings.worker();
    await tidings.ingest(emailsTo('down.example', 20));
    await expect.poll(() => worker.openCircuits()).toMatchObject([{ provider: 'smtp', domain: 'down.example' }]);
    await expect.poll(() => worker.busy).toBe(0);
    expect(worker.unhealthyProviders()).toEqual([]);
    // Another email to the domain waits, without an attempt; other domains do not.
    const waiting = await tidings.post('mail', { user: 'late', traits: { email: 'late@DOWN.example' } });
    await tidings.becomes(await tidings.post('mail', { traits: { email: 'well@example.com' } }), 'sent', 1);
    await tidings.becomes(waiting, 'queued', 0);
    expect(sink.recipients().filter((to) => to.endsWith('own.example')).length).toBe(20);
    await expect
      .poll(async () => Date.parse((await tidings.delivery(waiting))?.due_at ?? ''))
      .toBeGreaterThan(tidings.clock.now);
    sink.trouble({});
    // One probe goes first; those that waited for it come later.
    await expect
      .poll(
        async () => {
          tidings.clock.now += 10_000;
          return tidings.countDeliveries('sent');
        },
        { timeout: 20_000 },
      )
      .toBe(22);
    expect(worker.openCircuits()).toEqual([]);
  });
});
