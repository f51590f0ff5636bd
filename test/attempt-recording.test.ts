import pino from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type DeliveryTidings, eventOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider, gatedProvider } from './support/providers.ts';
import { keptMessages } from './support/tidings.ts';

const start = useDeliveries();

describe('an attempt that cannot be recorded', () => {
  /** Makes PostgreSQL reject such rows until the returned function is called, or the test ends. */
  async function rejectRows(tidings: DeliveryTidings, table: string, check: string): Promise<() => Promise<void>> {
    const { pool } = tidings.database;
    await pool.query(`alter table ${table} add constraint never check (${check})`);
    const allow = async () => {
      await pool.query(`alter table ${table} drop constraint if exists never`);
    };
    onTestFinished(allow);
    return allow;
  }

  async function postFive(tidings: DeliveryTidings): Promise<void> {
    const events = [0, 1, 2, 3, 4].map((n) => eventOf('mail', { n, user: `u${n}` }));
    await tidings.ingest(events);
  }

  test('after the clock jumped by a month is recorded with the longest duration that the column holds', async () => {
    const gate = gatedProvider();
    const tidings = await start({ email: gate.provider });
    await tidings.worker();
    const id = await tidings.post('mail');
    await expect.poll(() => gate.provider.calls.length).toBe(1);
    tidings.clock.now += 30 * 86_400_000;
    gate.open();
    await tidings.becomes(id, 'sent', 1);
    expect(await tidings.attempts(id)).toMatchObject([{ duration_ms: 2_147_483_647 }]);
    await tidings.becomes(await tidings.post('mail', { n: 2 }), 'sent', 1);
  });

  test('with its message is recorded without it, and the others whole', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const gate = gatedProvider({ keepsMessage: true });
    const tidings = await start({ email: gate.provider });
    await postFive(tidings);
    const { rows } = await tidings.database.pool.query(
      `select notification_id from notifications where user_id = 'u3'`,
    );
    await rejectRows(tidings, 'messages', `notification_id <> '${rows[0].notification_id}'`);
    const busy = await tidings.worker({ log });
    await expect.poll(() => gate.provider.calls.length).toBe(5);
    gate.open();
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(5);
    const subjects = (await keptMessages(tidings)).map(({ subject }) => subject).sort();
    expect(subjects).toEqual(['Number 0', 'Number 1', 'Number 2', 'Number 4']);
    await expect.poll(() => busy.busy).toBe(0);
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain('its response and message are lost');
  });

  test('at all is left to its lease, which the worker does not renew, and the others are recorded', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    let rejecting = true;
    const gate = gatedProvider();
    const provider = fakeProvider(async (outgoing, signal) => {
      await gate.provider.send(outgoing, signal);
      return rejecting && outgoing.userId === 'u3' ? { kind: 'rejected', reason: 'no' } : DELIVERED;
    });
    const tidings = await start({ email: provider });
    const allow = await rejectRows(tidings, 'deliveries', "status <> 'dead'");
    // Long enough not to expire by itself; the worker looks for expired leases every 1.5 s.
    const busy = await tidings.worker({ log, lease: 9000 });
    await postFive(tidings);
    await expect.poll(() => provider.calls.length).toBe(5);
    gate.open();
    await expect.poll(() => tidings.countDeliveries('sent')).toBe(4);
    await expect.poll(() => busy.busy).toBe(0);
    expect(await tidings.countDeliveries('sending')).toBe(1);
    expect(lines.length).toBe(1);
    expect(lines[0]).toContain('waits for its lease to expire');
    await allow();
    rejecting = false;
    // A claim from now on must not renew it: it has another lease.
    const left = provider.calls.find(({ userId }) => userId === 'u3')?.idempotencyKey as string;
    await tidings.expireLeases(left);
    await tidings.becomes(await tidings.post('mail', { n: 5 }), 'sent', 1);
    await tidings.becomes(left, 'sent', 2);
    expect(provider.calls.length).toBe(7);
  });
});
