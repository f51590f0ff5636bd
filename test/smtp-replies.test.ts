import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type MailSink, mailSink, type Trouble } from './support/mailsink.ts';

/** Scopes of failures, by the code, the enhanced status code and the rejected command of a reply. */

let sink: MailSink;
const cleanup: (() => Promise<void>)[] = [];

beforeEach(async () => {
  sink = await mailSink();
  cleanup.push(() => sink.close());
});
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function outcomeOf(step: keyof Omit<Trouble, 'hangUp'>, code: number, text: string) {
  const provider = smtpProvider({ url: sink.url, from: 'bank@example.com', pool: 1 });
  cleanup.push(() => provider.close());
  sink.trouble({ [step]: { code, text } });
  return provider.send(outgoing(), never());
}

describe('a temporary failure concerns', () => {
  test.each([
    ['the recipient', 'rcpt', 452, '4.2.2 mailbox full', 'recipient'],
    ['the recipient', 'rcpt', 450, '4.2.0 greylisted', 'recipient'],
    ['the recipient', 'rcpt', 450, '4.7.1 greylisted', 'recipient'],
    ['the recipient', 'rcpt', 451, 'try again', 'recipient'],
    ['the recipient', 'data', 452, '4.2.2 mailbox full', 'recipient'],
    ['the recipient', 'rcpt', 450, '4.1.1 no such user yet', 'recipient'],
    ['its domain', 'rcpt', 451, '4.4.1 no answer from host', 'domain'],
    ['its domain', 'rcpt', 450, '4.7.25 reverse DNS', 'domain'],
    ['the recipient', 'rcpt', 450, '4.7.12 policy of the recipient', 'recipient'],
    ['the recipient', 'rcpt', 450, '4.7.13 policy of the recipient', 'recipient'],
    ['the recipient', 'data', 450, '4.7.17 the mailbox has another owner', 'recipient'],
    ['its domain', 'rcpt', 450, '4.7.28 unusual rate of mail', 'domain'],
    ['the account', 'rcpt', 450, '4.7.27 sender address has a null MX', 'account'],
    ['the message', 'data', 451, '4.6.0 content', 'message'],
    ['the message', 'data', 450, 'not this one', 'message'],
    ['the message', 'rcpt', 452, '4.5.3 too many recipients', 'message'],
    ['the account', 'mail', 454, '4.7.0 temporary authentication failure', 'account'],
    ['the account', 'mail', 450, '4.7.28 too many messages', 'account'],
    ['the provider', 'rcpt', 421, '4.2.2 whatever', undefined],
    ['the provider', 'mail', 452, 'insufficient system storage', undefined],
    ['the provider', 'data', 452, '4.3.1 mail system full', undefined],
    ['the provider', 'rcpt', 450, '4.3.2 not accepting messages', undefined],
    ['the provider', 'mail', 451, '4.4.5 congestion', undefined],
  ] as const)('%s (%s: %i %s)', async (_whom, step, code, text, of) => {
    const outcome = await outcomeOf(step, code, text);
    expect(outcome).toMatchObject({ kind: 'retry' });
    expect('of' in outcome ? outcome.of : undefined).toBe(of);
  });
});

describe('a permanent failure is', () => {
  test.each([
    ['address_dead', 'rcpt', 550, '5.1.1 no such user'],
    ['address_dead', 'rcpt', 550, '5.1.2 no such domain'],
    ['address_dead', 'rcpt', 550, '5.1.10 null MX'],
    ['address_dead', 'rcpt', 550, '5.2.1 mailbox disabled'],
    ['address_dead', 'rcpt', 550, '5.4.4 invalid domain'],
    ['rejected', 'rcpt', 552, '5.2.2 mailbox full'],
    ['rejected', 'rcpt', 550, 'no'],
    ['rejected', 'rcpt', 550, '5.7.1 not authorized'],
    ['rejected', 'rcpt', 550, '5.7.12 the organization accepts no senders from outside'],
    ['rejected', 'rcpt', 550, '5.7.13 not accepted'],
    ['rejected', 'rcpt', 550, '5.7.28 unusual rate of mail'],
    ['rejected', 'data', 550, '5.7.18 the domain has another owner'],
    ['misconfigured', 'mail', 550, '5.7.28 unusual rate of mail'],
    ['misconfigured', 'rcpt', 550, '5.7.27 sender address has a null MX'],
    ['rejected', 'data', 554, '5.6.0 content'],
    ['rejected', 'data', 552, '5.3.4 too large'],
    ['misconfigured', 'mail', 530, '5.7.0 authentication required'],
    ['misconfigured', 'mail', 553, '5.1.8 bad sender domain'],
    ['misconfigured', 'rcpt', 535, '5.7.8 credentials invalid'],
    ['retry', 'mail', 550, '5.3.2 system shutting down'],
    ['retry', 'rcpt', 503, 'bad sequence'],
  ] as const)('%s (%s: %i %s)', async (kind, step, code, text) => {
    expect(await outcomeOf(step, code, text)).toMatchObject({ kind });
  });
});

test('an enhanced status code that contradicts its reply code is ignored', async () => {
  expect(await outcomeOf('rcpt', 451, '5.3.0 odd')).toMatchObject({ kind: 'retry', of: 'recipient' });
  expect(await outcomeOf('rcpt', 550, '4.3.0 odd')).toMatchObject({ kind: 'rejected' });
});
