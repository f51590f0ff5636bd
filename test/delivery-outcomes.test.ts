import pino from 'pino';
import { describe, expect, test } from 'vitest';
import type { SendOutcome } from '../src/model/delivery.ts';
import { EMAIL, useDeliveries } from './support/deliveries.ts';
import { DELIVERED, fakeProvider } from './support/providers.ts';

const start = useDeliveries();

describe('outcomes', () => {
  test('delivered: becomes sent, and the attempt keeps provider, time, duration, outcome and response', async () => {
    const tidings = await start({
      email: fakeProvider(async () => {
        tidings.clock.now += 250;
        return { kind: 'sent', providerMessageId: 'id-1', response: '250 OK' };
      }),
    });
    await tidings.worker();
    const began = new Date(tidings.clock.now).toISOString();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'sent');
    expect(await tidings.delivery(id)).toMatchObject({
      provider: 'fake',
      provider_message_id: 'id-1',
      attempts_made: 1,
      reason_code: null,
      reason: null,
      finished_at: new Date(tidings.clock.now).toISOString(),
    });
    expect(await tidings.attempts(id)).toEqual([
      {
        attempt: 1,
        provider: 'fake',
        account: null,
        choice: null,
        parts: null,
        cost: null,
        started_at: began,
        duration_ms: 250,
        outcome: 'sent',
        code: null,
        reason: null,
        response: '250 OK',
        provider_message_id: 'id-1',
      },
    ]);
  });

  test('the provider receives the address, the rendered message and the same key at each attempt', async () => {
    const provider = fakeProvider(({ attempt }) => (attempt === 1 ? { kind: 'retry', reason: 'busy' } : DELIVERED));
    const tidings = await start({ email: provider });
    await tidings.worker();
    const id = await tidings.post('mail', { n: 7 });
    await tidings.becomes(id, 'queued', 1);
    tidings.clock.now += 1000;
    await tidings.becomes(id, 'sent');
    const first = {
      target: { kind: 'email', address: EMAIL },
      channel: 'email',
      notificationType: 'MAIL',
      userId: 'u1',
      idempotencyKey: id,
      message: { subject: 'Number 7', text: 'This is number 7.', html: '<p>This is number 7.</p>' },
    };
    expect(provider.calls).toMatchObject([
      { ...first, attempt: 1 },
      { ...first, attempt: 2 },
    ]);
  });

  test('retries a failed send with backoff, not before it is due', async () => {
    const provider = fakeProvider(({ attempt }) => (attempt < 3 ? { kind: 'retry', reason: 'busy' } : DELIVERED));
    const tidings = await start({ email: provider, internal: fakeProvider() });
    await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'queued', 1);
    // Half of 2 s, because the random number of the worker is 0.5.
    expect(await tidings.delivery(id)).toMatchObject({
      due_at: new Date(tidings.clock.now + 1000).toISOString(),
      reason_code: 'retrying',
      reason: 'busy',
    });
    tidings.clock.now += 999;
    await tidings.passOneRound();
    expect(provider.calls.length).toBe(1);
    tidings.clock.now += 1;
    await tidings.becomes(id, 'queued', 2);
    expect(await tidings.delivery(id)).toMatchObject({ due_at: new Date(tidings.clock.now + 2000).toISOString() });
    tidings.clock.now += 2000;
    await tidings.becomes(id, 'sent', 3);
    expect((await tidings.attempts(id)).map(({ outcome }) => outcome)).toEqual(['retry', 'retry', 'sent']);
  });

  test('retries no sooner than Retry-After says', async () => {
    const tidings = await start({ email: fakeProvider(() => ({ kind: 'retry', reason: 'slow down', after: 90_000 })) });
    await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'queued', 1);
    expect((await tidings.delivery(id))?.due_at).toBe(new Date(tidings.clock.now + 90_000).toISOString());
  });

  test('becomes dead when it is too old to be retried', async () => {
    const tidings = await start({ email: fakeProvider(() => ({ kind: 'retry', reason: 'busy', after: 3_600_001 })) });
    await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'queued', 1);
    tidings.clock.now += 3_600_000;
    await tidings.becomes(id, 'dead');
    expect(await tidings.delivery(id)).toMatchObject({
      reason_code: 'retries_exhausted',
      reason: expect.stringMatching(/^Retries exhausted after \d attempts?\. The last one failed: .*busy/),
      finished_at: new Date(tidings.clock.now).toISOString(),
    });
  });

  test('becomes dead when the provider rejects it', async () => {
    const tidings = await start({
      email: fakeProvider(() => ({ kind: 'rejected', reason: 'no such mailbox', response: '550 5.1.1' })),
    });
    await tidings.worker();
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'dead');
    expect(await tidings.delivery(id)).toMatchObject({
      reason_code: 'rejected',
      reason: 'Rejected: no such mailbox',
    });
  });

  test('in doubt: is held or sent again, as the notification type requires', async () => {
    const provider = fakeProvider(({ attempt }) =>
      attempt === 1 ? { kind: 'in_doubt', reason: 'the line dropped' } : DELIVERED,
    );
    const tidings = await start({ email: provider });
    await tidings.worker();
    const resent = await tidings.post('mail');
    const held = await tidings.post('held');
    await tidings.becomes(resent, 'queued', 1);
    await tidings.becomes(held, 'in_doubt', 1);
    tidings.clock.now += 1000;
    await tidings.becomes(resent, 'sent', 2);
    expect((await tidings.attempts(held)).map(({ outcome }) => outcome)).toEqual(['in_doubt']);
  });

  test('a provider that throws: is in doubt, retried and logged without the address', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) });
    const provider = fakeProvider(({ target, attempt }) => {
      if (attempt === 1) throw new TypeError(`cannot read envelope of ${target.kind === 'email' && target.address}`);
      return DELIVERED;
    });
    const tidings = await start({ email: provider });
    await tidings.worker({ log });
    const id = await tidings.post('mail');
    await tidings.becomes(id, 'queued', 1);
    expect(await tidings.attempts(id)).toMatchObject([
      { outcome: 'in_doubt', reason: 'internal error in Tidings; see its log' },
    ]);
    tidings.clock.now += 1000;
    await tidings.becomes(id, 'sent');
    expect(lines.find((line) => line.includes('an attempt failed with an internal error'))).toContain(
      'cannot read envelope',
    );
    expect(lines.join('')).not.toContain(EMAIL);
  });

  test('a provider that throws after it has sent: is held in doubt if the type requires it, not sent twice', async () => {
    let sent = 0;
    const provider = fakeProvider(() => {
      sent++;
      throw new TypeError('cannot read the response');
    });
    const tidings = await start({ email: provider, internal: fakeProvider() });
    await tidings.worker();
    const id = await tidings.post('held');
    await tidings.becomes(id, 'in_doubt', 1);
    expect(await tidings.attempts(id)).toMatchObject([
      { outcome: 'in_doubt', reason: 'internal error in Tidings; see its log' },
    ]);
    tidings.clock.now += 86_400_000;
    await tidings.passOneRound();
    expect(sent).toBe(1);
  });

  test('stores the response of a provider truncated, sanitized and without addresses', async () => {
    const response = `550 <${EMAIL}> \0 \ud800 ${'x'.repeat(5000)}`;
    const answers: SendOutcome[] = [
      { kind: 'retry', reason: response, response },
      { kind: 'in_doubt', reason: response, response },
      { kind: 'sent', response, providerMessageId: 'id\0\ud800' },
    ];
    const tidings = await start({ email: fakeProvider(({ attempt }) => answers[attempt - 1] ?? DELIVERED) });
    await tidings.worker();
    const id = await tidings.post('mail');
    for (const attempt of [1, 2]) {
      await tidings.becomes(id, 'queued', attempt);
      expect((await tidings.delivery(id))?.reason).not.toContain('maria');
      tidings.clock.now += 60_000;
    }
    await tidings.becomes(id, 'sent');
    for (const { reason, response } of await tidings.attempts(id)) {
      for (const text of [reason, response]) {
        expect(text ?? '').not.toContain('maria');
        expect((text ?? '').length).toBeLessThanOrEqual(500);
      }
    }
  });
});
