import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

/** The rejected command decides what a reply concerns: MAIL FROM our account or the mail server, RCPT TO the recipient. */

let sink: MailSink;
const cleanup: (() => Promise<void>)[] = [];

beforeEach(async () => {
  sink = await mailSink();
  cleanup.push(() => sink.close());
});
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

/** Returns the kind of the outcome, and what a retry concerns. */
async function blameOf(step: 'mail' | 'rcpt' | 'data', code: number, text: string): Promise<string> {
  const provider = smtpProvider({ url: sink.url, from: 'bank@example.com', pool: 1 });
  cleanup.push(() => provider.close());
  sink.trouble({ [step]: { code, text } });
  const outcome = await provider.send(outgoing(), never());
  return outcome.kind === 'retry' ? `retry: ${outcome.of ?? 'provider'}` : outcome.kind;
}

describe('the same reply is blamed on the one that the rejected command names', () => {
  test.each([
    // Code, text, then the blame at MAIL FROM, at RCPT TO, and after the message.
    [550, 'bad address', 'misconfigured', 'rejected', 'rejected'],
    [501, '5.5.4 bad address', 'misconfigured', 'rejected', 'rejected'],
    [550, '5.1.1 unknown', 'misconfigured', 'address_dead', 'address_dead'],
    [550, '5.2.1 disabled', 'misconfigured', 'address_dead', 'address_dead'],
    [552, '5.2.2 over quota', 'misconfigured', 'rejected', 'rejected'],
    [550, '5.7.1 not allowed', 'misconfigured', 'rejected', 'rejected'],
    [550, '5.7.26 not authenticated', 'misconfigured', 'rejected', 'rejected'],
    [450, '4.7.1 try again later', 'retry: account', 'retry: recipient', 'retry: message'],
    [451, '4.2.0 try again later', 'retry: account', 'retry: recipient', 'retry: recipient'],
    [452, '4.2.2 over quota', 'retry: account', 'retry: recipient', 'retry: recipient'],
    [451, '4.4.3 lookup failed', 'retry: provider', 'retry: domain', 'retry: domain'],
    [451, 'try again later', 'retry: provider', 'retry: recipient', 'retry: provider'],
    [450, 'try again later', 'retry: provider', 'retry: recipient', 'retry: message'],
    [550, '5.4.5 daily limit exceeded', 'retry: provider', 'retry: provider', 'retry: provider'],
    [552, '5.3.4 too large', 'rejected', 'rejected', 'rejected'],
    [552, 'too large', 'rejected', 'rejected', 'rejected'],
    [553, '5.6.7 SMTPUTF8 is required', 'rejected', 'rejected', 'rejected'],
    [421, '4.7.0 too many connections', 'retry: provider', 'retry: provider', 'retry: provider'],
  ])('%i %s', async (code, text, mail, rcpt, data) => {
    expect([
      await blameOf('mail', code, text),
      await blameOf('rcpt', code, text),
      await blameOf('data', code, text),
    ]).toEqual([mail, rcpt, data]);
  });
});

describe('a rejection of our host or sender is blamed on us, also where the server says so at RCPT TO', () => {
  test.each([
    [550, '5.7.1 Client host blocked', 'misconfigured'],
    [554, '5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', 'misconfigured'],
    [554, '5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied', 'misconfigured'],
    [550, '5.7.606 Access denied, banned sending IP [192.0.2.1]', 'misconfigured'],
    [554, 'Your IP 192.0.2.1 is blocked', 'misconfigured'],
    [553, '5.7.1 <bank@example.com>: Sender address rejected: not owned by user bank', 'misconfigured'],
    [450, '4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]', 'retry: account'],
    [450, '4.7.1 <ada@example.com>: Recipient address rejected: Greylisted', 'retry: recipient'],
    [
      550,
      '5.1.1 <ada@example.com>: Recipient address rejected: host mx.example said: 554 5.7.1 Client host blocked',
      'address_dead',
    ],
  ])('%i %s', async (code, text, blame) => {
    expect(await blameOf('rcpt', code, text)).toBe(blame);
  });
});
