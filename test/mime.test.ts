import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { expect, test } from 'vitest';
import { buildMail } from '../src/channels/email/mime.ts';
import { runs } from './support/properties.ts';

const DATE = new Date('2025-11-20T12:00:00Z');

function build(
  message: Parameters<typeof buildMail>[0]['message'],
  from = { name: 'Tidings', address: 'tidings@example.com' },
): string {
  const raw = buildMail({ from, to: 'maria@example.com', messageId: 'n-1.email@example.com', date: DATE, message });
  return raw.toString('latin1');
}

/** Expects the structure that every mail has. */
function expectWellFormed(raw: string): void {
  expect(raw).not.toMatch(/[^\t\r\n\x20-\x7e]|\r(?!\n)|(?<!\r)\n/);
  for (const line of raw.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
  expect(raw.endsWith('\r\n')).toBe(true);
  const [head = ''] = raw.split('\r\n\r\n', 1);
  expect(head.split('\r\n').every((line) => /^(?:[A-Z][A-Za-z-]+: ?| \S)/.test(line))).toBe(true);
  const names: string[] = head.match(/^[A-Za-z-]+(?=:)/gm) ?? [];
  expect(names.slice(0, 7)).toEqual(['From', 'To', 'Subject', 'Message-ID', 'Date', 'Auto-Submitted', 'MIME-Version']);
  expect(names.slice(7)).toEqual(names.includes('Content-Transfer-Encoding') ? TEXT_HEADERS : ['Content-Type']);
}

const TEXT_HEADERS = ['Content-Type', 'Content-Transfer-Encoding'];

test('writes a plain text mail', () => {
  const raw = build({ subject: 'Hello', text: 'Hello Maria,\n\nall is well.' });
  expect(raw).toBe(
    [
      'From: "Tidings"',
      ' <tidings@example.com>',
      'To: maria@example.com',
      'Subject: Hello',
      'Message-ID: <n-1.email@example.com>',
      'Date: Thu, 20 Nov 2025 12:00:00 +0000',
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Hello Maria,',
      '',
      'all is well.',
      '',
    ].join('\r\n'),
  );
});

test('writes text and HTML as alternatives, HTML last', async () => {
  const raw = build({ subject: 'Hello', text: 'Hello Maria', html: '<p style="color: red">Hello <b>Maria</b></p>' });
  expectWellFormed(raw);
  const mail = await simpleParser(raw);
  expect(mail.headers.get('content-type')).toMatchObject({ value: 'multipart/alternative' });
  expect(raw.indexOf('text/plain')).toBeLessThan(raw.indexOf('text/html'));
  expect(mail.text?.trim()).toBe('Hello Maria');
  expect(mail.html).toBe('<p style="color: red">Hello <b>Maria</b></p>');
  expect(mail.messageId).toBe('<n-1.email@example.com>');
  expect(mail.date).toEqual(DATE);
  expect(mail.headers.get('auto-submitted')).toBe('auto-generated');
});

test.each([
  ['umlauts', 'Grüße aus Köln'],
  ['another alphabet', 'Ваш платёж не прошёл. '.repeat(40)],
  ['right to left', 'שלום מריה، مرحبا ماريا'],
  ['emoji joined of several', 'Family 👨‍👩‍👧‍👦, flag 🇵🇹, wave 👋🏽 '.repeat(20).trim()],
  ['combining marks', 'e\u0301'.repeat(300)],
  ['a very long line', 'x'.repeat(5000)],
  ['a very long line of what must be encoded', '='.repeat(5000)],
  ['escapes across every cut', Array.from({ length: 90 }, (_, n) => `${'a'.repeat(n)}=é=`).join('\n')],
  ['blanks at the ends of lines', 'one \ntwo\t\n \n\t\nthree'],
  ['dots at the beginning of lines', '.\n..\n.one\n\n.'],
  ['what looks like a boundary', '--=_tidings\n--=_tidings--\n'],
  ['what looks like headers', 'Subject: no\nBcc: no@example.com\n\nFrom here'],
  ['what looks encoded', '=3D =?UTF-8?B?aGk=?= =\n=20'],
  ['odd line ends', 'one\r\ntwo\rthree\nfour'],
  ['control characters and separators', 'bell \u0007 vt \u000b ff \u000c ls \u2028 nel \u0085 bom \ufeff'],
])('a parser reads back a body with %s', async (_what, text) => {
  const html = `<p>${text.replaceAll('<', '&lt;')}</p>`;
  const raw = build({ subject: 'Body', text, html });
  expectWellFormed(raw);
  expect(partsOf(raw)).toEqual([canonical(text), canonical(html)]);
  const mail = await simpleParser(raw);
  expect(mail.text?.trimEnd()).toBe(text.replace(/\r\n?/g, '\n').trimEnd());
});

test.each([
  ['plain', 'Welcome to Tidings'],
  ['empty', ''],
  ['accents', 'Benvingut, Maria: això és teu'],
  ['emoji', '🎉 You did it 🎉'],
  ['long, in words', 'A long subject that goes on and on '.repeat(7).trim()],
  ['long, without a blank', 'x'.repeat(255)],
  ['long, of long characters', '🐘'.repeat(120)],
  ['what looks encoded', '=?UTF-8?B?aGFja2Vk?='],
  ['specials', 'a "quote", a \\ and <angles>; (brackets)'],
  ['blanks inside', 'a  b   c'],
])('a parser reads back the subject %s', async (_what, subject) => {
  const raw = build({ subject, text: 'x' });
  expectWellFormed(raw);
  expect((await simpleParser(raw)).subject ?? '').toBe(subject);
});

test('a subject adds no header', async () => {
  const mail = await simpleParser(build({ subject: 'Hi\r\nBcc: thief@example.com\r\n\r\nbody', text: 'x' }));
  expect(mail.bcc).toBeUndefined();
  expect(mail.subject).toBe('Hi Bcc: thief@example.com body');
  expect(mail.text?.trim()).toBe('x');
});

test.each([
  ['Tidings', 'Tidings'],
  ['Müller & Söhne Bank', 'Müller & Söhne Bank'],
  ['Bank, "The" \\ Best', 'Bank, "The" \\ Best'],
  ['=?UTF-8?B?aGk=?=', '=?UTF-8?B?aGk=?='],
  ['Ein sehr langer Name für eine sehr kleine Bank in einem sehr schönen Tal', undefined],
  ['', ''],
])('a parser reads back the sender name %s', async (name, expected = name) => {
  const raw = build({ subject: 'x', text: 'x' }, { name, address: 'bank@example.com' });
  expectWellFormed(raw);
  expect((await simpleParser(raw)).from?.value).toEqual([{ name: expected, address: 'bank@example.com' }]);
});

test.each(['=', 'x', '\u0001', ' ', '\n', '🐘'])('a parser reads back millions of %j', (character) => {
  const text = character.repeat(2_000_000);
  const [body] = partsOf(build({ subject: 'x', text, html: '' }));
  // Not a matcher: it would print them.
  expect(body === canonical(text)).toBe(true);
});

test('a parser reads back any text', async () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.string({ unit: fc.constantFrom('=', ' ', '\t', '\n', '\r', '.', '-', 'é', '🐘', 'a'), maxLength: 400 }),
  );
  await fc.assert(
    fc.asyncProperty(anyText, anyText, anyText, async (subject, text, html) => {
      const raw = build({ subject, text, html });
      expectWellFormed(raw);
      expect(partsOf(raw)).toEqual([canonical(text), canonical(html)]);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what no header can carry
      const line = subject.toWellFormed().replace(/[\u0000-\u001f\u007f]+/g, ' ');
      expect(subjectOf(raw)).toBe(line);
    }),
    runs(300),
  );
});

function canonical(text: string): string {
  return text.toWellFormed().replace(/\r\n?|\n/g, '\r\n');
}

function partsOf(raw: string): string[] {
  const [, ...parts] = raw.split(/(?:^|\r\n)--=_tidings(?:--)?\r\n/);
  return parts.slice(0, -1).map((part) => {
    const at = part.indexOf('\r\n\r\n');
    const body = part.slice(at + 4);
    if (part.slice(0, at).includes('base64')) return Buffer.from(body, 'base64').toString('utf8');
    const bytes = body
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
    return Buffer.from(bytes, 'latin1').toString('utf8');
  });
}

function subjectOf(raw: string): string {
  const [, value = ''] = /^Subject: ?((?:.*\r\n )*.*)\r\n/m.exec(raw) ?? [];
  if (!value.startsWith('=?')) return value;
  return value
    .split('\r\n ')
    .map((word) => Buffer.from(/^=\?UTF-8\?B\?(.*)\?=$/.exec(word)?.[1] ?? '', 'base64').toString('utf8'))
    .join('');
}
