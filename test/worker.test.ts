import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noopProvider } from '../src/channels/noop.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { retryDelay } from '../src/delivery/backoff.ts';
import type { DispatchResult } from '../src/delivery/executor.ts';
import { minimalSettlement, toSettlement } from '../src/delivery/settlement.ts';
import { CircuitBreaker } from '../src/lib/circuit-breaker.ts';
import { Semaphore } from '../src/lib/semaphore.ts';
import type { ClaimedDelivery, ClaimHandle } from '../src/store/deliveries.ts';

/** The pure parts of the worker: how long to wait, when to stop asking, what an outcome means. */

describe('backoff', () => {
  test.each([
    [1, 2000],
    [2, 4000],
    [3, 8000],
    [10, 1_024_000],
    [11, 2_048_000],
    [12, 3_600_000],
    [1000, 3_600_000],
  ])('after attempt %i it waits up to %i ms', (attempt, ceiling) => {
    expect(retryDelay(attempt, 0)).toBe(0);
    expect(retryDelay(attempt, 0.5)).toBe(ceiling / 2);
    expect(retryDelay(attempt, 0.999_999_999)).toBe(ceiling);
  });

  test('what the provider asked for is never undercut, and never shortens the wait', () => {
    const attempt = fc.integer({ min: 1, max: 100 });
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(attempt, random, fc.nat(10_000_000), (n, r, after) => {
        expect(retryDelay(n, r, after)).toBe(Math.max(after, retryDelay(n, r)));
      }),
    );
  });
});

describe('breaker', () => {
  const failing = (times: number) => {
    const breaker = new CircuitBreaker();
    for (let i = 0; i < times; i++) breaker.failed(0);
    return breaker;
  };

  test('opens after 20 failures in a row, for 2 s; then one may try', () => {
    expect(failing(19).state(0)).toBe('closed');
    const breaker = failing(20);
    expect(breaker.state(0)).toBe('open');
    expect(breaker.state(1999)).toBe('open');
    expect(breaker.state(2000)).toBe('half_open');
    expect(breaker.openUntil).toBe(2000);
  });

  test('a success in between starts the count again', () => {
    const breaker = failing(19);
    breaker.succeeded();
    for (let i = 0; i < 19; i++) breaker.failed(0);
    expect(breaker.state(0)).toBe('closed');
  });

  test('a failed try doubles the pause, up to a minute; failures of the time before do not count', () => {
    const breaker = failing(20);
    breaker.failed(1000);
    expect(breaker.openUntil).toBe(2000);
    const pauses: number[] = [];
    for (let i = 0; i < 7; i++) {
      const now = breaker.openUntil;
      breaker.failed(now);
      pauses.push(breaker.openUntil - now);
    }
    expect(pauses).toEqual([4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test('a successful try closes it, and the next pause is short again', () => {
    const breaker = failing(20);
    breaker.failed(2000);
    breaker.succeeded();
    expect(breaker.state(0)).toBe('closed');
    for (let i = 0; i < 20; i++) breaker.failed(9000);
    expect(breaker.openUntil).toBe(11_000);
  });
});

describe('slots', () => {
  test('so many run at once, the rest in order', async () => {
    const slots = new Semaphore<string>(2);
    const ends: (() => void)[] = [];
    const begun: string[] = [];
    for (const key of ['a', 'b', 'c', 'd']) {
      slots.run(key, () => {
        begun.push(key);
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    }
    expect(begun).toEqual(['a', 'b']);
    expect(slots.idle).toBe(false);
    ends[1]?.();
    await expect.poll(() => begun).toEqual(['a', 'b', 'c']);
    expect(slots.clear()).toEqual(['d']);
    ends[0]?.();
    ends[2]?.();
    await expect.poll(() => slots.idle).toBe(true);
    expect(begun).toEqual(['a', 'b', 'c']);
  });
});

describe('what an outcome means', () => {
  const NOW = 1_000_000;
  const claimed: ClaimedDelivery = {
    lease: 'worker',
    handle: '' as ClaimHandle,
    tenantId: 'default',
    notificationId: '00000000-0000-7000-8000-000000000001',
    channel: 'email',
    userId: 'u1',
    notificationType: 'MAIL',
    catalogVersion: 1,
    activeCatalog: 1,
    data: {},
    attempt: 3,
    fence: 7,
    retryUntil: NOW + 100_000,
    inDoubt: 'resend',
    address: { sealed: Buffer.alloc(0), mask: 'm…@example.com' },
  };
  const MESSAGE = { subject: 'Hello', text: 'Hello there' };

  const settled = (outcome: DispatchResult['outcome'], delivery: Partial<ClaimedDelivery> = {}) =>
    toSettlement(
      { ...claimed, ...delivery },
      { provider: sandboxProvider(['email']), outcome, message: MESSAGE },
      NOW - 250,
      NOW,
      0.5,
    );

  test.each<[string, DispatchResult['outcome'], Partial<ClaimedDelivery>, object]>([
    ['delivered', { kind: 'delivered', response: '250 OK' }, {}, { status: 'sent', reasonCode: null, reason: null }],
    [
      'rejected',
      { kind: 'rejected', reason: 'no such mailbox' },
      {},
      { status: 'dead', reasonCode: 'rejected', reason: 'Rejected: no such mailbox' },
    ],
    [
      'retry',
      { kind: 'retry', reason: 'busy' },
      {},
      { status: 'queued', dueAt: NOW + 4000, reasonCode: 'retrying', reason: 'busy' },
    ],
    [
      'retry, not before',
      { kind: 'retry', reason: 'busy', after: 60_000 },
      {},
      { status: 'queued', dueAt: NOW + 60_000, reasonCode: 'retrying' },
    ],
    [
      'retry at the very last moment',
      { kind: 'retry', reason: 'busy' },
      { retryUntil: NOW + 4000 },
      { status: 'queued', dueAt: NOW + 4000 },
    ],
    [
      'retry that would be too late',
      { kind: 'retry', reason: 'busy' },
      { retryUntil: NOW + 3999 },
      {
        status: 'dead',
        dueAt: null,
        reasonCode: 'retries_exhausted',
        reason: 'Retries exhausted after 3 attempts. The last one failed: busy',
      },
    ],
    [
      'retry asked for after its age',
      { kind: 'retry', reason: 'busy', after: 100_001 },
      {},
      { status: 'dead', reasonCode: 'retries_exhausted' },
    ],
    [
      'retries exhausted after a single attempt',
      { kind: 'retry', reason: 'busy' },
      { attempt: 1, retryUntil: NOW },
      { status: 'dead', reason: 'Retries exhausted after 1 attempt. The last one failed: busy' },
    ],
    [
      'in doubt, to be sent again',
      { kind: 'in_doubt', reason: 'the line dropped' },
      {},
      {
        status: 'queued',
        dueAt: NOW + 4000,
        reasonCode: 'retrying',
        reason: 'The message may have been sent (the line dropped). It is sent again, as its notification type allows.',
      },
    ],
    [
      'in doubt, to be held',
      { kind: 'in_doubt', reason: 'the line dropped' },
      { inDoubt: 'hold' },
      {
        status: 'in_doubt',
        dueAt: null,
        reasonCode: 'in_doubt',
        reason:
          'The message may have been sent (the line dropped). It is held, as its notification type requires. Retry it by hand.',
      },
    ],
    [
      'in doubt, and no time left to send it again',
      { kind: 'in_doubt', reason: 'the line dropped' },
      { attempt: 1, retryUntil: NOW },
      {
        status: 'in_doubt',
        dueAt: null,
        reasonCode: 'in_doubt',
        reason:
          'The message may have been sent (the line dropped). It is held, because its retry time has passed. Retry it by hand.',
      },
    ],
    [
      'no e-mail address',
      { kind: 'undeliverable', missing: 'email' },
      {},
      {
        status: 'undeliverable',
        reasonCode: 'missing_email',
        reason:
          'No email address is known for this user: no event has set user_traits.email, or a later one has removed it.',
      },
    ],
    [
      'no phone number',
      { kind: 'undeliverable', missing: 'phone' },
      {},
      { status: 'undeliverable', reasonCode: 'missing_phone' },
    ],
  ])('%s', (_name, outcome, delivery, expected) => {
    const settlement = settled(outcome, delivery);
    expect(settlement).toMatchObject({ fence: 7, dueAt: null, ...expected });
    // Of the attempt what was said, of the delivery what comes of it.
    expect(settlement.attempt.reason).toBe('reason' in outcome ? outcome.reason : settlement.reason);
  });

  test('the attempt keeps provider, time, duration, outcome and answer', () => {
    const { attempt } = settled({ kind: 'delivered', providerMessageId: 'id-1', response: '250 OK' });
    expect(attempt).toEqual({
      n: 3,
      provider: 'sandbox',
      startedAt: NOW - 250,
      durationMs: 250,
      outcome: 'delivered',
      reason: null,
      response: '250 OK',
      providerMessageId: 'id-1',
    });
  });

  test('the duration is what its column can hold, however the clock was set meanwhile', () => {
    const took = (now: number) =>
      toSettlement(claimed, { provider: sandboxProvider(['email']), outcome: { kind: 'delivered' } }, NOW, now, 0.5)
        .attempt.durationMs;
    expect([NOW - 5, NOW + 0.4, NOW + 1.6, NOW + 30 * 86_400_000].map(took)).toEqual([0, 0, 2, 2_147_483_647]);
  });

  test('a provider that asks for no number of milliseconds asked for nothing', () => {
    expect(settled({ kind: 'retry', reason: 'busy', after: Number.NaN })).toMatchObject({ dueAt: NOW + 4000 });
  });

  test('without its extras it says what becomes of the delivery, in words that can be stored', () => {
    const whole = settled({ kind: 'rejected', reason: `\0\ud800${'x'.repeat(500)}`, response: '550' });
    const bare = minimalSettlement(whole);
    expect(bare).toMatchObject({ status: 'dead', reasonCode: 'rejected', fence: 7, message: null });
    expect(bare.attempt).toMatchObject({ n: 3, outcome: 'rejected', response: null, providerMessageId: null });
    for (const text of [bare.reason, bare.attempt.reason]) {
      expect(text).toMatch(/^(Rejected: )?\uFFFD\uFFFDx+$/);
      expect(text?.length).toBe(200);
    }
    const sent = minimalSettlement(settled({ kind: 'delivered', providerMessageId: 'id-1', response: '250 OK' }));
    expect(sent).toMatchObject({ status: 'sent', attempt: { response: null, providerMessageId: null } });
  });

  test('the message is kept with the mask of its address, where its provider keeps messages', () => {
    const outcome = { kind: 'delivered' } as const;
    expect(settled(outcome).message).toEqual({ ...MESSAGE, toMask: 'm…@example.com' });
    const dispatched = { provider: noopProvider(['email']), outcome, message: MESSAGE };
    expect(toSettlement(claimed, dispatched, NOW, NOW, 0).message).toBeNull();
  });
});
