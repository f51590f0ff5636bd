import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Cable, cableTo } from './support/cable.ts';
import { type DeliveryProcesses, useDeliveryProcesses } from './support/delivery-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

vi.setConfig({ testTimeout: 120_000 });

const EMAILS = 40;
const LEASE_MS = 2000;
const SEND_MS = 400;

const prepare = useDeliveryProcesses();
let sink: MailSink;
let cable: Cable | undefined;

afterEach(async () => {
  cable?.cut();
  cable = undefined;
  await sink.close();
});

describe.each([
  ['resent', 'mail'],
  ['held', 'held'],
] as const)('a lost lease of emails that are %s when in doubt', (_policy, type) => {
  test('stops the sends of a process whose database is away: each email goes out once', async () => {
    sink = await mailSink(() => SEND_MS);
    const processes = await prepare(sink, LEASE_MS);
    cable = await cableTo(processes.database.url);
    const { url } = await processes.start('start', cable.url);
    await processes.postEmails(url, type, EMAILS);
    await expect.poll(() => sink.mails.length, { timeout: 20_000 }).toBeGreaterThan(2);
    cable.cut();
    await pause(1.5 * LEASE_MS);
    // The sends under way are done, and no other was started under the lapsed lease.
    expect(sink.mails.length).toBeLessThan(EMAILS);
    await cable.restore();
    await expect.poll(() => processes.countByStatus(), { timeout: 60_000 }).toEqual({ sent: EMAILS });
    expect(countRepeats()).toEqual([]);
    expect(sink.mails.length).toBe(EMAILS);
  });

  test('stops the sends of a process that was frozen: only what was in doubt may repeat', async () => {
    sink = await mailSink(() => SEND_MS);
    const processes = await prepare(sink, LEASE_MS);
    const { program: frozen, url } = await processes.start('start');
    await processes.postEmails(url, type, EMAILS);
    await expect.poll(() => sink.mails.length, { timeout: 20_000 }).toBeGreaterThan(2);
    frozen.kill('SIGSTOP');
    await processes.start('workers');
    await expect.poll(() => hasEnded(processes), { timeout: 60_000 }).toBe(true);
    frozen.kill('SIGCONT');
    await pause(LEASE_MS);
    await expect.poll(() => hasEnded(processes), { timeout: 30_000 }).toBe(true);
    const inDoubt = await processes.inDoubt();
    const arrived = new Set(sink.mails.map(({ messageId }) => messageId));
    // A held email that was frozen before its last byte has not arrived, and its delivery does not say that it has.
    if (type === 'held') expect(arrived.size).toBeGreaterThanOrEqual(EMAILS - new Set(inDoubt).size);
    else expect(arrived.size).toBe(EMAILS);
    // Five sends at once.
    expect(countRepeats().length).toBeLessThanOrEqual(type === 'held' ? 0 : 5);
    for (const id of countRepeats()) expect(inDoubt).toContain(id);
  });
});

/** Returns the IDs of the deliveries whose email arrived more than once. */
function countRepeats(): string[] {
  const ids = sink.mails.map(({ messageId }) => messageId);
  return [...new Set(ids)].filter((id) => sink.count(id) > 1).map((id) => id.replace(/@.*/, ''));
}

async function hasEnded(processes: DeliveryProcesses): Promise<boolean> {
  const { queued = 0, sending = 0, dead = 0 } = await processes.countByStatus();
  return queued + sending + dead === 0;
}
