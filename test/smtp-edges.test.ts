import { afterEach, describe, expect, test } from 'vitest';
import { smtpProvider } from '../src/channels/email/smtp.ts';
import { never, outgoing } from './support/channel-contract.ts';
import { type MailSinkSettings, mailSink } from './support/mailsink.ts';

const cleanup: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

async function start(settings: MailSinkSettings, from = 'bank@example.com') {
  const sink = await mailSink(undefined, settings);
  const provider = smtpProvider({ url: sink.url, from });
  cleanup.push(
    () => sink.close(),
    () => provider.close(),
  );
  return { sink, send: (to: string) => provider.send(outgoing({ target: { kind: 'email', address: to } }), never()) };
}

describe('an address outside ASCII', () => {
  test('is rejected before anything is sent, if the server does not offer SMTPUTF8; others go on', async () => {
    const { sink, send } = await start({ utf8: false });
    expect(await send('josé@example.com')).toEqual({
      kind: 'rejected',
      reason: 'the mail server does not accept addresses outside ASCII (no SMTPUTF8)',
    });
    expect(sink.recipients()).toEqual([]);
    expect(await send('jose@example.com')).toMatchObject({ kind: 'sent' });
    // A domain has a form in ASCII, which the sink decodes.
    expect(await send('jose@bücher.example')).toMatchObject({ kind: 'sent' });
    expect(sink.recipients()).toEqual(['jose@example.com', 'jose@bücher.example']);
  });

  test('is sent if the server offers SMTPUTF8', async () => {
    const { sink, send } = await start({ utf8: true });
    expect(await send('josé@example.com')).toMatchObject({ kind: 'sent' });
    expect(sink.recipients()).toEqual(['josé@example.com']);
  });

  test('of the sender is a mistake of the settings', async () => {
    const { sink, send } = await start({ utf8: false }, 'bànk@example.com');
    expect(await send('jose@example.com')).toMatchObject({ kind: 'misconfigured' });
    expect(sink.recipients()).toEqual([]);
  });
});

describe('SMTP_URL', () => {
  const open = (url: string) => smtpProvider({ url, from: 'bank@example.com' });

  test.each([
    'smtp://user:pa/s3cret@mail.example.com',
    'smtp://user:12/s3cret@mail.example.com:587',
    'smtp://user:pa?s3cret@mail.example.com',
    'smtp://user:pa#s3cret@mail.example.com',
    'smtp://us/er:s3cret@mail.example.com',
    'smtp://us#er:s3cret@mail.example.com',
    'smtp://user:p@ss/s3cret@mail.example.com',
    'smtp://mail.example.com/s3cret',
    'smtp://mail.example.com#s3cret',
  ])('names what to write for characters of a password (%s), and does not quote it', (url) => {
    let message = '';
    try {
      open(url);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('SMTP_URL cannot be parsed');
    for (const hint of ['%2F for a /', '%3F for a ?', '%23 for a #', '%25 for a %', '%40 for an @'])
      expect(message).toContain(hint);
    expect(message).not.toContain('s3cret');
  });

  test('with these characters escaped gives the user name and the password', async () => {
    const { parseSmtpUrl } = await import('../src/channels/email/smtp-url.ts');
    const url = 'smtp://user%40x:pa%2Fss%3F%23%25@mail.example.com:587/?requireTLS=true';
    expect(parseSmtpUrl(url)).toMatchObject({ auth: { user: 'user@x', pass: 'pa/ss?#%' }, requireTLS: true });
    expect(parseSmtpUrl('smtp://mail.example.com?name=me')).toMatchObject({ name: 'me' });
  });

  test('with port 465 means TLS from the start, unless TLS is switched off', async () => {
    const { parseSmtpUrl } = await import('../src/channels/email/smtp-url.ts');
    expect(parseSmtpUrl('smtp://mail.example.com:465').secure).toBe(true);
    expect(parseSmtpUrl('smtp://mail.example.com:465?ignoreTLS=true').secure).toBe(false);
    expect(parseSmtpUrl('smtp://mail.example.com:587').secure).toBe(false);
    expect(parseSmtpUrl('smtps://mail.example.com').secure).toBe(true);
  });
});
