import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Outgoing, Provider } from '../../src/channels/provider.ts';
import type { Message, SendOutcome, Target } from '../../src/model/delivery.ts';

/**
 * Tests the contract of all providers, for one provider. For one over HTTP, `testDefinition` (definition-contract.ts) tests this
 * and all the rest of its definition.
 * @param sample what each message has, unless a test needs something else
 */
export function testProvider(
  name: string,
  make: () => Promise<Subject>,
  sample: { readonly target?: Target; readonly message?: Message } = {},
): void {
  describe(`the contract of providers: ${name}`, () => {
    let subject: Subject;
    let provider: Provider;

    beforeEach(async () => {
      subject = await make();
      provider = subject.provider;
    });
    afterEach(async () => {
      await provider.close();
      await subject.stop?.();
    });

    const send = async (more: Partial<Outgoing> = {}, signal = never()): Promise<SendOutcome> => {
      const outcome = await provider.send(
        outgoing({ channel: provider.channels[0] ?? 'email', ...sample, ...more }),
        signal,
      );
      expectOutcome(outcome);
      return outcome;
    };

    test('has a name, channels and room', () => {
      expect(provider.name).toMatch(/^[a-z_]+$/);
      expect(provider.channels.length).toBeGreaterThan(0);
      expect(provider.concurrency).toBeGreaterThanOrEqual(1);
    });

    test('takes a message', async () => {
      expect(ACCEPTED).toContain((await send()).kind);
    });

    test('takes every attempt at a message', async () => {
      const outcomes = await Promise.all([
        send({ idempotencyKey: 'n-1.email' }),
        send({ idempotencyKey: 'n-1.email', attempt: 2 }),
        send({ idempotencyKey: 'n-2.email' }),
      ]);
      for (const { kind } of outcomes) expect(ACCEPTED).toContain(kind);
    });

    test('answers as data whatever the message holds', async () => {
      for (const message of ODD_MESSAGES) await send({ message });
    });

    test('answers as data whatever the address is, and never repeats it', async () => {
      for (const address of ODD_ADDRESSES) await send({ target: { kind: 'email', address } });
      await send({ target: { kind: 'none' } });
    });

    test('takes more at once than it has room for', async () => {
      const count = Math.min(200, provider.concurrency * 4);
      const outcomes = await Promise.all(Array.from({ length: count }, (_, n) => send({ idempotencyKey: `n-${n}` })));
      expect(outcomes.filter(({ kind }) => ACCEPTED.includes(kind))).toHaveLength(count);
    });

    test('ends when it is aborted, before and during the send', async () => {
      await send({}, AbortSignal.abort());
      const stop = new AbortController();
      const sending = Array.from({ length: 9 }, (_, n) => send({ idempotencyKey: `n-${n}` }, stop.signal));
      stop.abort();
      await Promise.all(sending);
    });

    test('closes, twice if need be, leaves no connection open and never throws afterwards', async () => {
      const before = connections();
      await Promise.all([send(), send({ idempotencyKey: 'n-2' })]);
      await provider.close();
      await provider.close();
      await vi.waitFor(() => expect(connections()).toBeLessThanOrEqual(before), { timeout: 5000, interval: 10 });
      await send();
    });
  });
}

export interface Subject {
  readonly provider: Provider;
  /** Ends what stands behind the provider. */
  stop?(): Promise<void>;
}

export const ADDRESS = 'maria.lopez@example.com';

/** A signal that is never aborted. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

export function outgoing(more: Partial<Outgoing> = {}): Outgoing {
  return {
    tenantId: 'default',
    notificationId: 'n-1',
    notificationType: 'WELCOME_EMAIL',
    channel: 'email',
    userId: 'u_1',
    target: { kind: 'email', address: ADDRESS },
    message: { subject: 'Welcome', text: 'Hello Maria', html: '<p>Hello Maria</p>' },
    idempotencyKey: 'n-1.email',
    attempt: 1,
    ...more,
  };
}

/** Outcomes of a message that was accepted. */
const ACCEPTED: readonly string[] = ['sent', 'sandboxed'];

/** Expects a complete outcome without an address in it. */
export function expectOutcome(outcome: SendOutcome): void {
  const { kind } = outcome;
  expect([...ACCEPTED, 'retry', 'rejected', 'address_dead', 'misconfigured', 'in_doubt']).toContain(kind);
  if (outcome.kind !== 'sent' && outcome.kind !== 'sandboxed') {
    // A reason is quoted inside a sentence; it may begin with the name of a provider.
    expect(outcome.reason).toMatch(/^(?!(?:The|An?|No|It|We|Your?|This|There|Our)\b)[a-zA-Z].{5,120}[^.]$/);
    expect(outcome.reason).not.toContain('@');
  }
  const response = ('response' in outcome && outcome.response) || '';
  expect(response).not.toContain('@');
  expect(response).not.toMatch(/[\r\n]/);
}

const ODD_MESSAGES: readonly Message[] = [
  { text: '' },
  { text: '.', html: '' },
  { subject: '', text: '.\r\n..\r\n.\r\nQUIT\r\n' },
  { subject: 'a\r\nBcc: x@example.com\r\n\r\nbody', text: 'x' },
  { subject: '\ud800 \udfff \u0000', text: 'half \udc00 a pair, \u0000 and \u0007' },
  { subject: '🐘'.repeat(255), text: 'é'.repeat(100_000), html: '='.repeat(100_000) },
];

const ODD_ADDRESSES: readonly string[] = [
  '',
  '@',
  'nobody',
  'two@example.com, more@example.com',
  '<brackets@example.com>',
  'a@example.com>\r\nRCPT TO:<b@example.com',
  'a@example.com\nBcc: b@example.com',
  'a@exa mple.com',
  'a@-example.com',
  `${'x'.repeat(65)}@example.com`,
  `a@${'x'.repeat(64)}.com`,
  '"quoted one"@example.com',
  'ünï@example.com',
  'a@b@example.com',
  '\u202eevil@example.com',
];

function connections(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
}
