import { describe, expect, test } from 'vitest';
import { loadTimeline } from '../src/store/timeline.ts';
import { eventOf, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';
import { TENANT } from './support/tidings.ts';

const start = useDeliveries();

describe('addresses', () => {
  test('without an address the decision stays send, and the delivery names what is missing', async () => {
    const tidings = await start({ email: fakeProvider(), sms: fakeProvider() });
    await tidings.worker();
    const mail = await tidings.post('mail', { traits: {} });
    const text = await tidings.post('text', { traits: {} });
    await tidings.becomes(mail, 'undeliverable');
    await tidings.becomes(text, 'undeliverable');
    expect(await tidings.delivery(mail)).toMatchObject({
      reason_code: 'missing_email',
      reason:
        'No email address is known for this user: no event has set user_traits.email, or a later one has removed it.',
    });
    expect(await tidings.delivery(text)).toMatchObject({
      reason_code: 'missing_phone',
      reason:
        'No phone number is known for this user: no event has set user_traits.phone, or a later one has removed it.',
    });
    expect(await tidings.attempts(mail)).toMatchObject([{ outcome: 'undeliverable' }]);
    const { decisions } = await loadTimeline(tidings.database.pool, {
      tenantId: TENANT,
      userId: 'u1',
      limit: 10,
      place: { kind: 'newest' },
      only: null,
    });
    expect(decisions.map(({ outcome }) => outcome)).toEqual(['send', 'send']);
  });

  test('that become known after the retry time are used by a retry', async () => {
    const provider = fakeProvider();
    const tidings = await start({ email: provider });
    await tidings.worker();
    const id = await tidings.post('mail', { traits: {} });
    await tidings.becomes(id, 'undeliverable');
    tidings.clock.now += 3_600_001;
    await tidings.ingest([eventOf('profile_changed', { traits: { email: 'late@example.com' } })]);
    expect(await tidings.retry(id)).toBe(true);
    await tidings.becomes(id, 'sent', 2);
    expect(provider.calls.map(({ target }) => target)).toEqual([{ kind: 'email', address: 'late@example.com' }]);
  });
});

describe('retry by hand', () => {
  test('from dead: queues it with a new retry period, continues the attempts and writes the audit log', async () => {
    const provider = fakeProvider(({ attempt }) => (attempt === 1 ? { kind: 'rejected', reason: 'no' } : DELIVERED));
    const tidings = await start({ email: provider });
    const id = await tidings.post('mail');
    const first = await tidings.worker();
    await tidings.becomes(id, 'dead');
    await first.stop();
    tidings.clock.now += 86_400_000;
    expect(await tidings.retry(id)).toBe(true);
    expect(await tidings.delivery(id)).toMatchObject({
      status: 'queued',
      reason_code: 'retried',
      reason: 'Queued again by hand.',
      finished_at: null,
      due_at: new Date(tidings.clock.now).toISOString(),
    });
    await tidings.worker();
    await tidings.becomes(id, 'sent', 2);
    expect((await tidings.attempts(id)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'rejected'],
      [2, 'sent'],
    ]);
    const { rows } = await tidings.database.pool.query(
      `select actor, action, subject from audit_log where action = $1`,
      ['delivery.retried'],
    );
    expect(rows).toEqual([{ actor: 'test', action: 'delivery.retried', subject: id }]);
  });

  test.each(['queued', 'sending', 'sent', 'cancelled'] as const)('does nothing from %s', async (status) => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    await tidings.force(status);
    expect(await tidings.retry(id)).toBe(false);
    expect((await tidings.delivery(id))?.status).toBe(status);
  });

  test.each(['dead', 'undeliverable', 'in_doubt'] as const)('queues it from %s', async (status) => {
    const tidings = await start({});
    const id = await tidings.post('mail');
    await tidings.force(status);
    expect(await tidings.retry(id)).toBe(true);
    expect((await tidings.delivery(id))?.status).toBe('queued');
  });
});
