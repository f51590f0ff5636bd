import { describe, expect, test } from 'vitest';
import { getBounceClass } from '../src/track/bounce-class.ts';
import { eventAbout, useReceipts } from './support/receipts.ts';

/** A message that failed because of us, our account or its text says nothing about its address. */

const start = useReceipts();

describe('a message that failed is no dead address', () => {
  test.each([
    // Reject (bad content) and Rendering Failure of SES.
    ['ses', undefined],
    ['sendgrid', 'Invalid SMTPAPI header'],
    ['sendgrid', 'Recipient List over Package Quota'],
    ['courier', 'NO_PROVIDERS'],
    ['http', 'template_unknown'],
    // Twilio: it expired, the sender is not registered, the protection against SMS pumping, a loop.
    ['twilio', '30036'],
    ['twilio', '30018'],
    ['twilio', '30450'],
    ['twilio', '30039'],
  ])('%s %s', (provider, code) => {
    const report = { provider, kind: 'failed', isPermanent: true, ...(code === undefined ? {} : { code }) } as const;
    expect(getBounceClass(report)).toMatch(/^(?:message|policy)$/);
  });

  test.each(['30001', '30002', '30022', '30023', '30027', '30032', '30035', '14107', '20429'])(
    'the limit or setting of a Twilio account (%s) is no soft bounce of its recipients',
    (code) => expect(getBounceClass({ provider: 'twilio', kind: 'failed', code, isPermanent: false })).toBe('policy'),
  );

  test.each([
    ['twilio', '30003', 'soft'],
    ['twilio', '30006', 'dead'],
    ['courier', 'BOUNCED', 'dead'],
    ['courier', 'UNSUBSCRIBED', 'opted_out'],
    ['sendgrid', 'Bounced Address', 'dead'],
    ['sendgrid', 'Spam Reporting Address', 'opted_out'],
  ] as const)('but %s %s is %s', (provider, code, expected) =>
    expect(getBounceClass({ provider, kind: 'failed', code, isPermanent: true })).toBe(expected),
  );
});

test('an SMS that expired, and an email with a header of ours that is not valid, suppress nothing', async () => {
  const { send, twilio, sendgrid, suppressions } = await start();
  await send('text');
  const MessageSid = `SM${'1'.padStart(32, '0')}`;
  expect((await twilio({ MessageSid, MessageStatus: 'failed', ErrorCode: '30036' })).status).toBe(204);
  await sendgrid([eventAbout(await send('mail'), 'dropped', { reason: 'Invalid SMTPAPI header' })]);
  expect(await suppressions()).toEqual([]);
  await send('text');
  await send('mail');
});

test('a bounce whose status stands in the reply alone is judged by it: our reputation is not the address', async () => {
  const { send, sendgrid, suppressions } = await start();
  const reason = '550 5.7.1 Unfortunately, messages from your IP were not sent';
  await sendgrid([eventAbout(await send('mail'), 'bounce', { reason, type: 'bounce' })]);
  expect(await suppressions()).toEqual([]);
});

test('a number that is blocked for one sender (21610) is suppressed for that sender', async () => {
  const { send, suppressions } = await start({
    sender: '+15550199',
    sms: () => ({ kind: 'address_dead', as: 'opted_out', code: '21610', reason: 'replied STOP' }),
  });
  await send('text', 'dead');
  expect(await suppressions()).toMatchObject([{ scope: 'sender:+15550199', reason: 'opted_out', until: null }]);
  await send('text', 'dropped');
});
