import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smtp } from '../src/channels/email/smtp.ts';
import { loadProvider } from '../src/channels/registry.ts';
import { expectOutcome, never, outgoing } from './support/channel-contract.ts';
import { type MailSink, mailSink, readMail } from './support/mailsink.ts';
import { fakeTools } from './support/stand-ins/sns.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const PEM = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const UNSUBSCRIBE = 'https://tidings.example/u/abc';

let sink: MailSink;
const ends: (() => Promise<void>)[] = [];

beforeEach(async () => {
  sink = await mailSink(undefined, { keep: true });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await sink.close();
});

const { tools } = fakeTools();

async function open(more: object = {}) {
  const settings = smtp.settings.parse({ url: sink.url, from: 'Bank <bank@mail.example.com>', ...more });
  const provider = await smtp.open(settings, tools);
  ends.push(() => provider.close());
  return provider;
}

test('is in the registry, with each code once', async () => {
  expect(await loadProvider('smtp')).toBe(smtp);
  expect(await loadProvider('toString')).toBeUndefined();
  expect(new Set(smtp.codes.map(({ code }) => code)).size).toBe(smtp.codes.length);
});

test.each(smtp.codes.map((code) => [code.code, code] as const))(
  'code %s of a reply to RCPT TO',
  async (code, entry) => {
    const provider = await open({ pool: 1 });
    const rcpt = code.includes('.')
      ? { code: code.startsWith('5') ? 550 : 450, text: `${code} maria.lopez@example.com no` }
      : { code: Number(code), text: 'maria.lopez@example.com no' };
    sink.trouble({ rcpt });
    const outcome = await provider.send(outgoing(), never());
    expectOutcome(outcome);
    expect(outcome).toMatchObject({ kind: entry.kind, code });
    if (entry.of && entry.of !== 'provider') expect(outcome).toMatchObject({ of: entry.of });
    expect(sink.mails).toEqual([]);
  },
);

test('headers for replies and for one-click unsubscribe are written, and only if there is a URL', async () => {
  const provider = await open({ reply_to: 'Hélp <help@example.com>' });
  await provider.send(outgoing({ unsubscribeUrl: UNSUBSCRIBE }), never());
  await provider.send(outgoing({ idempotencyKey: 'n-2' }), never());
  await provider.send(outgoing({ idempotencyKey: 'n-3', unsubscribeUrl: 'https://a/\r\nBcc: b@example.com' }), never());
  const [first, ...others] = sink.mails.map(({ raw }) => String(raw));
  expect(first).toContain(
    `\r\nList-Unsubscribe: <${UNSUBSCRIBE}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n`,
  );
  expect((await readMail(sink.mails[0])).replyTo?.value).toEqual([{ name: 'Hélp', address: 'help@example.com' }]);
  for (const raw of others) expect(raw).not.toMatch(/^(?:List-|Bcc)/m);
});

test('attachments and inline images arrive as they were', async () => {
  const provider = await open();
  const content = Buffer.from(Array.from({ length: 3000 }, (_, n) => n % 256));
  const name = 'Kontoauszug für Juli — 売上 2026, mit einem sehr langen Namen, der nicht auf eine Zeile passt.pdf';
  const attachments = [
    { name: 'logo.png', type: 'image/png', content, contentId: 'logo@tidings' },
    { name, type: 'application/pdf', content },
    { name: 'empty.txt', type: 'text/plain', content: Buffer.alloc(0) },
  ];
  const html = '<p>Hello <img src="cid:logo@tidings"></p>';
  const message = { subject: 'Hello', text: 'Hello', html, attachments };
  expect(await provider.send(outgoing({ message }), never())).toMatchObject({ kind: 'sent' });
  const mail = await readMail(sink.mails[0]);
  expect(mail.text?.trim()).toBe('Hello');
  expect(
    mail.attachments.map(({ filename, contentType, related }) => [filename, contentType, related ?? false]),
  ).toEqual([
    ['logo.png', 'image/png', true],
    [name, 'application/pdf', false],
    ['empty.txt', 'text/plain', false],
  ]);
  expect(mail.attachments[0]).toMatchObject({ cid: 'logo@tidings' });
  expect(mail.attachments[1]?.content.equals(content)).toBe(true);
  for (const line of String(sink.mails[0]?.raw).split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
});

test.each([
  ['too many', Array.from({ length: 21 }, () => ({ name: 'a', type: 'a/b', content: Buffer.alloc(1) }))],
  ['too large', [{ name: 'a', type: 'a/b', content: Buffer.alloc(10 * 1024 * 1024 + 1) }]],
  ['a type with a line break', [{ name: 'a', type: 'a/b\r\nBcc: x', content: Buffer.alloc(1) }]],
  ['a name with a line break', [{ name: 'a\r\nb', type: 'a/b', content: Buffer.alloc(1) }]],
  ['a content ID with a bracket', [{ name: 'a', type: 'a/b', content: Buffer.alloc(1), contentId: 'a>' }]],
])('attachments are rejected before anything is sent: %s', async (_, attachments) => {
  const provider = await open();
  expect(await provider.send(outgoing({ message: { text: '', attachments } }), never())).toMatchObject({
    kind: 'rejected',
  });
  expect(sink.connections()).toBe(0);
});

describe('DKIM', () => {
  const dkim = { dkim_domain: 'example.com', dkim_selector: 't1', dkim_private_key: PEM.replaceAll('\n', '\\n') };

  test('signs body and headers, those of one-click unsubscribe among them', async () => {
    const provider = await open(dkim);
    const message = { subject: 'Olá', text: 'Hello  \n\n', html: '<p>Hello</p>' };
    expect(await provider.send(outgoing({ message, unsubscribeUrl: UNSUBSCRIBE }), never())).toMatchObject({
      kind: 'sent',
    });
    const raw = String(sink.mails[0]?.raw);
    const tags = readDkim(raw);
    expect(tags).toMatchObject({ v: '1', a: 'rsa-sha256', d: 'example.com', s: 't1' });
    const signed = tags.h?.split(':');
    expect(signed).toEqual(
      expect.arrayContaining(['from', 'to', 'subject', 'list-unsubscribe', 'list-unsubscribe-post']),
    );
    expect(isDkimGood(raw)).toBe(true);
    expect(isDkimGood(raw.replace('List-Unsubscribe=One-Click', 'List-Unsubscribe=No'))).toBe(false);
    expect(isDkimGood(raw.replace('<p>Hello</p>', '<p>Hallo</p>'))).toBe(false);
  });

  test.each([PEM, `"${PEM.replaceAll('\n', '\\n')}"`, `'${PEM}'`])(
    'signs by a key as an environment variable has it',
    async (key) => {
      const provider = await open({ ...dkim, dkim_private_key: key });
      expect(await provider.send(outgoing(), never())).toMatchObject({ kind: 'sent' });
      expect(isDkimGood(String(sink.mails.at(-1)?.raw))).toBe(true);
    },
  );

  test.each([
    ['only a part of the settings', { dkim_domain: 'example.com' }],
    ['a selector that is no name', { ...dkim, dkim_selector: 'a; b' }],
  ])('is rejected: %s', (_, more) => {
    const settings = { url: 'smtp://mail.example.com', from: 'a@example.com', ...more };
    expect(smtp.settings.safeParse(settings)).toMatchObject({ success: false });
  });

  test.each(['-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----', 'SECRETSECRET'])(
    'a key that cannot be read is an error that does not quote it',
    async (dkim_private_key) => {
      const error = await open({ ...dkim, dkim_private_key }).catch((thrown: unknown) => thrown);
      expect(String(error)).toContain('dkim_private_key');
      expect(String(error)).not.toContain('SECRETSECRET');
    },
  );
});

describe('check()', () => {
  test('logs in and sends nothing', async () => {
    const provider = await open();
    expect(await provider.check?.(never())).toEqual({ ok: true });
    expect(sink.connections()).toBe(1);
    expect(sink.recipients()).toEqual([]);
  });

  test('says that the password is wrong, without it, and ends in time', async () => {
    const strict = await mailSink(undefined, { login: { user: 'tidings', pass: 'right' } });
    ends.push(() => strict.close());
    const provider = await open({ url: strict.url.replace('//', '//tidings:s3cret@') });
    const result = await provider.check?.(never());
    expect(result).toMatchObject({ ok: false, reason: expect.stringContaining('user name and password') });
    expect(JSON.stringify(result)).not.toContain('s3cret');
    expect(await provider.check?.(AbortSignal.abort())).toMatchObject({ ok: false });
  });
});

function readDkim(raw: string): { [tag: string]: string } {
  const [, header = ''] = /^DKIM-Signature:((?:.|\r\n[ \t])*)/m.exec(raw) ?? [];
  return Object.fromEntries(
    header.split(';').map((tag) => {
      const at = tag.indexOf('=');
      return [tag.slice(0, at).trim(), tag.slice(at + 1).replace(/\s/g, '')];
    }),
  );
}

/** Verifies a signature as receivers do (RFC 6376), with relaxed canonicalization. */
function isDkimGood(raw: string): boolean {
  const tags = readDkim(raw);
  const at = raw.indexOf('\r\n\r\n');
  const body = raw
    .slice(at + 4)
    .replace(/[ \t]+/g, ' ')
    .replace(/ (?=\r\n)/g, '')
    .replace(/(?:\r\n)*$/, '\r\n');
  if (createHash('sha256').update(body, 'latin1').digest('base64') !== tags.bh) return false;
  const relax = (name: string, value: string) =>
    `${name.toLowerCase()}:${value
      .replace(/\r\n(?=[ \t])/g, '')
      .replace(/[ \t]+/g, ' ')
      .trim()}`;
  const headers = raw.slice(0, at).split(/\r\n(?![ \t])/);
  const pick = (wanted: string) => headers.find((line) => line.toLowerCase().startsWith(`${wanted}:`)) ?? `${wanted}:`;
  const written = (line: string) => relax(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1));
  const names = tags.h?.split(':') ?? [];
  const own = written(pick('dkim-signature'))
    .replace(/([;\s]b=)[^;]*/, '$1')
    .trimEnd();
  const text = [...names.map((name) => written(pick(name))), own].join('\r\n');
  return verify('sha256', Buffer.from(text, 'latin1'), publicKey, Buffer.from(tags.b ?? '', 'base64'));
}
