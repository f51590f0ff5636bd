import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SmtpSettings, smtpProvider } from '../src/channels/email/smtp.ts';
import { ConfigError } from '../src/errors.ts';
import { ADDRESS, expectOutcome, never, outgoing } from './support/channel-contract.ts';
import { type MailSink, mailSink, readMail } from './support/mailsink.ts';

type Provider = ReturnType<typeof smtpProvider>;
type Outgoing = Parameters<Provider['send']>[0];
type SendOutcome = Awaited<ReturnType<Provider['send']>>;

const FROM = 'Tidings <tidings@mail.example.com>';

describe('smtp', () => {
  let sink: MailSink;
  const ends: (() => Promise<void> | void)[] = [];

  beforeEach(async () => {
    sink = await mailSink(undefined, { keep: true });
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await sink.close();
  });

  function provider(settings: Partial<SmtpSettings> = {}): Provider {
    const made = smtpProvider({ url: sink.url, from: FROM, ...settings });
    ends.push(() => made.close());
    return made;
  }

  async function send(by: Provider, more: Partial<Outgoing> = {}, signal = never()): Promise<SendOutcome> {
    const outcome = await by.send(outgoing(more), signal);
    expectOutcome(outcome);
    expect(JSON.stringify(outcome)).not.toContain(ADDRESS);
    return outcome;
  }

  /** Starts a server that does `serve` with each connection, and returns its URL. */
  async function server(serve: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const listening = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      serve(socket);
    }).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    ends.unshift(() => {
      for (const socket of sockets) socket.destroy();
      listening.close();
    });
    return `smtp://127.0.0.1:${(listening.address() as { port: number }).port}`;
  }

  test('delivers the message as it was rendered, to one recipient', async () => {
    const message = {
      subject: 'Olá, Maria 👋',
      text: 'Text\n.\nwith a dot',
      html: '<p>.</p>\n.\n<a href="https://x.example/?a=1&amp;b=2">é</a>',
    };
    const outcome = await send(provider({ from: '"Müller & Söhne" <bank@bücher.example>' }), { message });
    const id = 'n-1.email@xn--bcher-kva.example';
    expect(outcome).toMatchObject({
      kind: 'sent',
      providerMessageId: id,
      response: expect.stringMatching(/^250 /),
    });
    const [got] = sink.mails;
    expect(got).toMatchObject({ messageId: id, to: ADDRESS, overTls: false });
    const mail = await readMail(got);
    expect(mail).toMatchObject({
      messageId: `<${id}>`,
      subject: message.subject,
      from: { value: [{ name: 'Müller & Söhne', address: 'bank@bücher.example' }] },
      to: { value: [{ address: ADDRESS }] },
    });
    expect(mail.text?.trimEnd()).toBe(message.text);
    expect(mail.html).toBe(message.html);
    expect(Math.abs(Date.now() - (mail.date as Date).getTime())).toBeLessThan(60_000);
  });

  test('gives a repeated attempt the same Message-ID', async () => {
    const smtp = provider();
    await send(smtp);
    await send(smtp, { attempt: 2 });
    await send(smtp, { idempotencyKey: 'n-2 <odd>\r\n🐘' });
    expect(sink.mails.map(({ messageId }) => messageId)).toEqual([
      'n-1.email@mail.example.com',
      'n-1.email@mail.example.com',
      'n-2%20%3codd%3e%0d%0a%f0%9f%90%98@mail.example.com',
    ]);
  });

  test('adds no recipient or header that an address contains', async () => {
    const smtp = provider();
    for (const to of [
      'a@example.com>\r\nRCPT TO:<b@example.com',
      'a@example.com,b@example.com',
      'a@example.com\nBcc: b',
    ]) {
      expect(await send(smtp, { target: { kind: 'email', address: to } })).toMatchObject({ kind: 'rejected' });
    }
    expect(sink.connections()).toBe(0);
  });

  describe('reads the response of the server:', () => {
    const quoting = (code: number) => ({ code, text: `5.1.1 <${ADDRESS}>: no such user; ask root@localhost` });

    test.each(['mail', 'rcpt', 'data'] as const)(
      'retries after 4xx at %s; after 5xx it blames the sender or the address',
      async (step) => {
        const smtp = provider({ pool: 1 });
        sink.trouble({ [step]: quoting(451) });
        expect(await send(smtp)).toEqual({
          kind: 'retry',
          code: '451',
          reason: 'the mail server deferred the message (451)',
          response: '451 5.1.1 … no such user; ask …',
          ...(step === 'rcpt' ? { of: 'recipient' } : {}),
        });
        sink.trouble({ [step]: quoting(550) });
        expect(await send(smtp)).toEqual({
          ...(step === 'mail'
            ? { kind: 'misconfigured', isOfSender: true, reason: 'the mail server rejected the sender (550 5.1.1)' }
            : { kind: 'address_dead', reason: 'the address does not exist (550 5.1.1)' }),
          code: '5.1.1',
          response: '550 5.1.1 … no such user; ask …',
        });
        sink.trouble({});
        expect(await send(smtp)).toMatchObject({ kind: 'sent' });
        // A rejection does not end the connection.
        expect(sink.connections()).toBe(1);
      },
    );

    test.each(['mail', 'rcpt', 'data'] as const)('retries after 421 at %s, on a new connection', async (step) => {
      const smtp = provider({ pool: 1 });
      sink.trouble({ [step]: { code: 421, text: 'going down' } });
      expect(await send(smtp)).toMatchObject({ kind: 'retry', reason: expect.stringContaining('421') });
      sink.trouble({});
      expect(await send(smtp)).toMatchObject({ kind: 'sent' });
      expect(sink.connections()).toBe(2);
    });

    test.each([
      [503, 'retry'],
      [530, 'misconfigured'],
      [535, 'misconfigured'],
    ])('does not blame the message for %i: %s', async (code, kind) => {
      sink.trouble({ mail: { code, text: 'no' } });
      expect(await send(provider())).toMatchObject({ kind, reason: expect.stringContaining(String(code)) });
    });

    test('rejects a message that is larger than the server accepts, without sending it', async () => {
      const outcome = await send(provider(), { message: { subject: 'x', text: 'x'.repeat(11_000_000) } });
      expect(outcome).toMatchObject({ kind: 'rejected', reason: expect.stringContaining('large') });
      expect(sink.mails).toEqual([]);
    });

    test('takes a wrong password for a mistake of the settings; it appears nowhere', async () => {
      const strict = await mailSink(undefined, { login: { user: 'tidings', pass: 'right' } });
      ends.unshift(() => strict.close());
      const at = (user: string) => provider({ url: strict.url.replace('//', `//${user}@`) });
      const rejected = await send(at('tidings:hunter2%40home'));
      expect(rejected).toEqual({
        kind: 'misconfigured',
        reason: 'the mail server rejected the user name and password (535)',
      });
      expect(await send(at('tidings:right'))).toMatchObject({ kind: 'sent' });
      strict.trouble({ rcpt: { code: 550, text: 'your password is right' } });
      expect(await send(at('tidings:right'))).toMatchObject({ response: '550 your password is …' });
    });
  });

  test('rejects a certificate that is not signed, unless the URL allows it', async () => {
    const sealed = await mailSink(undefined, { tls: true });
    ends.unshift(() => sealed.close());
    const rejected = await send(provider({ url: sealed.url }));
    expect(rejected).toMatchObject({ kind: 'retry', reason: expect.stringMatching(/\([A-Z_]*CERT[A-Z_]*\)$/) });
    const trusting = provider({
      url: `${sealed.url}?tls.rejectUnauthorized=false&requireTLS=true&name=me.example.com`,
    });
    expect(await send(trusting)).toMatchObject({ kind: 'sent' });
    expect(await send(provider({ url: `${sealed.url}?ignoreTLS=true` }))).toMatchObject({ kind: 'sent' });
    expect(sealed.mails.map(({ overTls }) => overTls)).toEqual([true, false]);
  });

  describe('when the connection fails', () => {
    test.each([
      ['retry', 'before the message', 'mail'],
      ['in_doubt', 'after the whole message', 'data'],
    ] as const)('%s when it is lost %s', async (kind, _when, hangUp) => {
      const smtp = provider({ pool: 1 });
      sink.trouble({ hangUp });
      const outcome = await send(smtp);
      expect(outcome).toMatchObject({ kind, reason: expect.stringMatching(/^the (connection|mail server)/) });
      expect(sink.count('n-1.email@mail.example.com')).toBe(hangUp === 'data' ? 1 : 0);
      sink.trouble({});
      expect(await send(smtp)).toMatchObject({ kind: 'sent' });
    });

    test('reports in_doubt for a message that was sent when a reused connection is lost', async () => {
      const smtp = provider({ pool: 1 });
      expect(await send(smtp)).toMatchObject({ kind: 'sent' });
      sink.trouble({ hangUp: 'data' });
      expect(await send(smtp, { idempotencyKey: 'n-2.email' })).toMatchObject({ kind: 'in_doubt' });
      // The SMTP client does not send it again by itself.
      expect(sink.count('n-2.email@mail.example.com')).toBe(1);
    });

    test('retries without a server, a host name, TLS or a greeting, and after a rejected connection', async () => {
      const { port } = sink;
      await sink.close();
      const rejected = await send(provider({ url: `smtp://127.0.0.1:${port}` }));
      expect(rejected).toEqual({ kind: 'retry', reason: 'the mail server cannot be reached (ECONNREFUSED)' });

      sink = await mailSink();
      expect(await send(provider({ url: `smtps://127.0.0.1:${sink.port}` }))).toMatchObject({ kind: 'retry' });
      expect(await send(provider({ url: `${sink.url}/?requireTLS=true` }))).toMatchObject({ kind: 'retry' });
      const nowhere = provider({ url: 'smtp://nowhere.invalid', timeouts: { connect: 2000 } });
      expect(await send(nowhere)).toMatchObject({ kind: 'retry' });

      const silent = await server(() => {});
      const greeted = await send(provider({ url: silent, timeouts: { connect: 100 } }));
      expect(greeted).toEqual({ kind: 'retry', reason: 'the mail server did not respond in time', timedOut: true });

      const rude = await server((socket) => socket.end('554 not today\r\n'));
      const turnedAway = { reason: 'the mail server rejected the connection (554)', response: '554 not today' };
      expect(await send(provider({ url: rude }))).toEqual({ kind: 'retry', ...turnedAway });

      const shut = await server((socket) => socket.destroy());
      expect(await send(provider({ url: shut }))).toMatchObject({ kind: 'retry' });
    });

    test('retries after a timeout before the message, and reports in_doubt after it', async () => {
      const mute = await server((socket) => socket.write('220 hello\r\n'));
      const timeouts = { connect: 5000, reply: 1000 };
      expect(await send(provider({ url: mute, timeouts }))).toMatchObject({ kind: 'retry' });
      const release = sink.hold();
      expect(await send(provider({ timeouts }))).toEqual({
        kind: 'in_doubt',
        reason: 'the mail server did not respond in time; the mail server may have accepted the message',
        timedOut: true,
      });
      release();
    });

    test('reports in_doubt after an invalid response', async () => {
      const odd = await server((socket) => {
        const answers = ['250 hello', '250 ok', '250 ok', '354 go on'];
        socket.write('220 hello\r\n');
        socket.on('data', (chunk) =>
          socket.write(`${answers.shift() ?? (/\r\n\.\r\n/.test(String(chunk)) ? '354 what?' : '')}\r\n`),
        );
      });
      expect(await send(provider({ url: odd }))).toMatchObject({ kind: 'in_doubt' });
    });

    test('delivers again after the server was away', async () => {
      const smtp = provider();
      const { port } = sink;
      expect(await send(smtp)).toMatchObject({ kind: 'sent' });
      await sink.close();
      const meanwhile = await Promise.all(Array.from({ length: 10 }, () => send(smtp)));
      expect(new Set(meanwhile.map(({ kind }) => kind))).toEqual(new Set(['retry']));
      sink = await mailSink(undefined, { port });
      expect(await send(smtp)).toMatchObject({ kind: 'sent' });
      expect(sink.mails).toHaveLength(1);
    });

    test('does not lose an attempt to reused connections that were closed', async () => {
      const smtp = provider({ pool: 2 });
      const { port } = sink;
      await Promise.all([send(smtp), send(smtp)]);
      await sink.close();
      sink = await mailSink(undefined, { port });
      expect(await Promise.all([send(smtp), send(smtp)])).toMatchObject([{ kind: 'sent' }, { kind: 'sent' }]);
    });
  });

  describe('when it is aborted', () => {
    test('sends nothing if it is aborted before the send', async () => {
      expect(await send(provider(), {}, AbortSignal.abort())).toEqual({
        kind: 'retry',
        reason: 'the send was aborted',
      });
      expect(sink.mails).toEqual([]);
    });

    test('aborts only the message that waits for a connection', async () => {
      const smtp = provider({ pool: 1 });
      const release = sink.hold();
      const first = send(smtp);
      const stop = new AbortController();
      const second = send(smtp, { idempotencyKey: 'n-2.email' }, stop.signal);
      await vi.waitFor(() => expect(sink.mails).toHaveLength(1));
      stop.abort();
      expect(await second).toMatchObject({ kind: 'retry' });
      release();
      expect(await first).toMatchObject({ kind: 'sent' });
      expect(sink.mails).toHaveLength(1);
    });

    test('reports in_doubt if it is aborted while the server processes the message', async () => {
      const release = sink.hold();
      const stop = new AbortController();
      const sent = send(provider(), {}, stop.signal);
      await vi.waitFor(() => expect(sink.mails).toHaveLength(1));
      stop.abort();
      expect(await sent).toEqual({
        kind: 'in_doubt',
        reason: 'the send was aborted; the mail server may have accepted the message',
      });
      release();
    });

    test('finishes the current sends when it is closed', async () => {
      const smtp = provider({ pool: 1 });
      const release = sink.hold();
      const [first, second] = [send(smtp), send(smtp, { idempotencyKey: 'n-2.email' })];
      await vi.waitFor(() => expect(sink.mails).toHaveLength(1));
      const closed = smtp.close();
      expect(await second).toMatchObject({ kind: 'retry' });
      release();
      expect(await first).toMatchObject({ kind: 'sent' });
      await closed;
    });
  });

  test('sends 200 messages over 5 connections, each once', async () => {
    const smtp = provider();
    const keys = Array.from({ length: 200 }, (_, n) => `n-${n}.email`);
    const outcomes = await Promise.all(keys.map((idempotencyKey) => send(smtp, { idempotencyKey })));
    expect(outcomes.every(({ kind }) => kind === 'sent')).toBe(true);
    expect(new Set(sink.mails.map(({ messageId }) => messageId)).size).toBe(200);
    expect(sink.mails).toHaveLength(200);
    expect(sink.connections()).toBe(5);
  });

  test.each([
    ['http://mail.example.com', 'SMTP_URL cannot be parsed'],
    ['smtp://', 'SMTP_URL cannot be parsed'],
    ['smtp://user:s3cret%@mail.example.com', 'SMTP_URL cannot be parsed'],
    ['smtp://user:s3cret@mail.example.com:port', 'SMTP_URL cannot be parsed'],
    ['smtp://user:s3cret@mail.example.com/?logger=true', 'SMTP_URL has an unknown option'],
  ])('rejects %s, and does not quote it', (url, message) => {
    let error: unknown;
    try {
      smtpProvider({ url, from: FROM });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toContain(message);
    expect(JSON.stringify([String(error), error])).not.toContain('s3cret');
  });

  test('rejects an invalid sender', () => {
    expect(() => provider({ from: 'a@example.com, b@example.com' })).toThrow(ConfigError);
    expect(() => provider({ from: 'Tidings' })).toThrow('TIDINGS_MAIL_FROM');
  });
});
