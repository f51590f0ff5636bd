import type { Message } from '../../model/delivery.ts';
import type { Mailbox } from './address.ts';

/**
 * The bytes of an e-mail (RFC 5322, 2045–2047), from the first header to the last line break: text alone, or text and
 * HTML as alternatives. ASCII only, CRLF, lines of at most 76 characters (an address may be longer). Built here because
 * nodemailer's own composer, which can do far more, costs as much as all the rest of sending.
 *
 * @param mail `from`, `to` and `messageId` (without brackets) are already checked: no line break, no bracket
 */
export function buildMail(mail: {
  readonly from: Mailbox;
  readonly to: string;
  readonly messageId: string;
  readonly date: Date;
  readonly message: Message;
}): Buffer {
  const { subject = '', text, html } = mail.message;
  const head = [
    `From: ${mailbox(mail.from)}`,
    `To: ${mail.to}`,
    `Subject: ${unstructured(subject)}`,
    `Message-ID: <${mail.messageId}>`,
    // "GMT" is the obsolete way to say it.
    `Date: ${mail.date.toUTCString().replace('GMT', '+0000')}`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
  ].join('\r\n');
  const plain = part('text/plain', text);
  if (html === undefined) return Buffer.from(`${head}\r\n${plain}\r\n`);
  return Buffer.from(
    `${head}\r\nContent-Type: multipart/alternative; boundary="${BOUNDARY}"\r\n\r\n` +
      `--${BOUNDARY}\r\n${plain}\r\n--${BOUNDARY}\r\n${part('text/html', html)}\r\n--${BOUNDARY}--\r\n`,
  );
}

/** May be constant: neither quoted-printable nor base64 can hold `=_` (RFC 2045, 6.7). */
const BOUNDARY = '=_tidings';

function part(type: string, text: string): string {
  const lines = text.replace(/\r\n?|\n/g, '\r\n');
  // Quoted-printable while it is the shorter one, and a person can read it.
  const odd = Buffer.byteLength(lines) - lines.length;
  const [encoding, body] =
    odd > lines.length / 6 ? ['base64', base64(lines)] : ['quoted-printable', quotedPrintable(lines)];
  return `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Headers

/** Words of a subject: as they are while they are plain and short, else encoded. Never a line break of their own. */
function unstructured(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, ' ');
  return /^(?:[!-~](?:[ -~]{0,65}[!-~])?)?$/.test(line) && !line.includes('=?') ? line : encodedWords(line);
}

function mailbox({ name, address }: Mailbox): string {
  if (name === '') return address;
  const isPlain = /^[ -~]{1,60}$/.test(name) && !name.includes('=?');
  const phrase = isPlain ? `"${name.replace(/["\\]/g, '\\$&')}"` : encodedWords(name);
  return `${phrase}\r\n <${address}>`;
}

/** RFC 2047: base64 words of at most 75 characters, one a line, cut between characters. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let word = '';
  let size = 0;
  for (const character of text) {
    const bytes = Buffer.byteLength(character);
    if (size + bytes > 39) {
      words.push(word);
      word = '';
      size = 0;
    }
    word += character;
    size += bytes;
  }
  words.push(word);
  return words.map((each) => `=?UTF-8?B?${Buffer.from(each).toString('base64')}?=`).join('\r\n ');
}

// ---------------------------------------------------------------------------------------------------------------------
// Bodies

function base64(text: string): string {
  return (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\r\n');
}

/** Over the whole text at once: byte by byte it would take longer than to send the message. */
function quotedPrintable(text: string): string {
  return (
    text
      .replaceAll('=', '=3D')
      .replace(/[^\t\r\n\x20-\x7e]+/g, hex)
      // A blank at the end of a line may be lost on the way.
      .replace(/[\t ]$/gm, hex)
      .split('\r\n')
      .map(fold)
      .join('\r\n')
  );
}

function hex(run: string): string {
  return Buffer.from(run).toString('hex').toUpperCase().replace(/../g, '=$&');
}

/** Soft line breaks, never within an escape. */
function fold(line: string): string {
  if (line.length <= 76) return line;
  const lines: string[] = [];
  let from = 0;
  while (line.length - from > 76) {
    let to = from + 75;
    if (line[to - 1] === '=') to -= 1;
    else if (line[to - 2] === '=') to -= 2;
    lines.push(line.slice(from, to));
    from = to;
  }
  lines.push(line.slice(from));
  return lines.join('=\r\n');
}
