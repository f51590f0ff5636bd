import { describe, expect, test } from 'vitest';
import { noopProvider } from '../src/channels/noop.ts';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { minimalSettlement, toSettlement } from '../src/delivery/settlement.ts';
import { CLAIMED, NOW, SEAL } from './support/claimed-delivery.ts';

type Outcome = Parameters<typeof toSettlement>[1]['outcome'];

describe('a settlement', () => {
  const MESSAGE = { subject: 'Hello', text: 'Hello there' };

  const settled = (outcome: Outcome, delivery: Partial<typeof CLAIMED> = {}) =>
    toSettlement(
      { ...CLAIMED, ...delivery },
      { provider: sandboxProvider(['email']), outcome, message: MESSAGE },
      NOW - 250,
      NOW,
      0.5,
      SEAL,
    );

  test('has the locale and the variant of its template, also where the message is not kept', () => {
    const { attempt, message } = toSettlement(
      CLAIMED,
      {
        ...{ provider: noopProvider(['email']), outcome: { kind: 'sent' }, message: MESSAGE },
        ...{ locale: { locale: 'pt', userLocale: 'pt-BR' }, template: { testId: 'one', variant: 'short' } },
      },
      NOW - 250,
      NOW,
      0.5,
      SEAL,
    );
    expect([message, attempt]).toMatchObject([null, { locale: 'pt', variant: 'short' }]);
  });

  test.each<[string, Outcome, Partial<typeof CLAIMED>, object]>([
    ['sent', { kind: 'sent', response: '250 OK' }, {}, { status: 'sent', reasonCode: null, reason: null }],
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
      'retry after a given time',
      { kind: 'retry', reason: 'busy', after: 60_000 },
      {},
      { status: 'queued', dueAt: NOW + 60_000, reasonCode: 'retrying' },
    ],
    [
      'retry at the end of the retry period',
      { kind: 'retry', reason: 'busy' },
      { retryUntil: NOW + 4000 },
      { status: 'queued', dueAt: NOW + 4000 },
    ],
    [
      'retry after the end of the retry period',
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
      'retry asked for after the retry period',
      { kind: 'retry', of: 'recipient', reason: 'busy', after: 100_001 },
      {},
      { status: 'dead', reasonCode: 'retries_exhausted' },
    ],
    [
      'pause of the account beyond the retry period, which may end sooner',
      { kind: 'retry', of: 'account', reason: 'busy', after: 100_001 },
      { retryUntil: NOW + 50_000 },
      { status: 'queued', dueAt: NOW + 50_000, reasonCode: 'retrying' },
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
      'nowhere to go',
      { kind: 'undeliverable', reasonCode: 'missing_email', reason: 'No email address is known.' },
      {},
      { status: 'undeliverable', reasonCode: 'missing_email', reason: 'No email address is known.' },
    ],
  ])('is made of: %s', (_name, outcome, delivery, expected) => {
    const settlement = settled(outcome, delivery);
    expect(settlement).toMatchObject({ fence: 7, dueAt: null, ...expected });
    // The attempt has the reason of the provider, the delivery that of its new status.
    expect(settlement.attempt.reason).toBe('reason' in outcome ? outcome.reason : settlement.reason);
  });

  test('keeps provider, time, duration, outcome and response of the attempt', () => {
    const { attempt } = settled({ kind: 'sent', providerMessageId: 'id-1', response: '250 OK' });
    expect(attempt).toEqual({
      n: 3,
      provider: 'sandbox',
      account: null,
      startedAt: NOW - 250,
      durationMs: 250,
      outcome: 'sent',
      code: null,
      reason: null,
      response: '250 OK',
      providerMessageId: 'id-1',
    });
  });

  test('limits the duration to what its column holds, when the clock was set', () => {
    const took = (now: number) =>
      toSettlement(CLAIMED, { provider: sandboxProvider(['email']), outcome: { kind: 'sent' } }, NOW, now, 0.5, SEAL)
        .attempt.durationMs;
    expect([NOW - 5, NOW + 0.4, NOW + 1.6, NOW + 30 * 86_400_000].map(took)).toEqual([0, 0, 2, 2_147_483_647]);
  });

  test('ignores a retry time that is not a number', () => {
    expect(settled({ kind: 'retry', reason: 'busy', after: Number.NaN })).toMatchObject({ dueAt: NOW + 4000 });
  });

  test('has a minimal form that keeps the status and the sanitized reasons', () => {
    const whole = settled({ kind: 'rejected', reason: `\0\ud800${'x'.repeat(500)}`, response: '550' });
    const bare = minimalSettlement(whole);
    expect(bare).toMatchObject({ status: 'dead', reasonCode: 'rejected', fence: 7, message: null });
    expect(bare.attempt).toMatchObject({ n: 3, outcome: 'rejected', response: null, providerMessageId: null });
    for (const text of [bare.reason, bare.attempt.reason]) {
      expect(text).toMatch(/^(Rejected: )?\uFFFD\uFFFDx+$/);
      expect(text?.length).toBe(200);
    }
    const sent = minimalSettlement(settled({ kind: 'sent', providerMessageId: 'id-1', response: '250 OK' }));
    expect(sent).toMatchObject({ status: 'sent', attempt: { response: null, providerMessageId: null } });
  });

  test('keeps the message with the mask of its address, if the provider keeps messages', () => {
    const outcome = { kind: 'sent' } as const;
    expect(settled(outcome).message).toEqual({ sealed: expect.any(Buffer), toMask: 'm…@example.com' });
    expect(String(settled(outcome).message?.sealed)).not.toContain('Hello');
    const dispatched = { provider: noopProvider(['email']), outcome, message: MESSAGE };
    expect(toSettlement(CLAIMED, dispatched, NOW, NOW, 0, SEAL).message).toBeNull();
  });
});
