import type { Mailbox } from '../../lib/text/mailbox.ts';
import type { Attachment, Message } from '../../model/delivery.ts';
import { buildAttachment } from './mime-attachment.ts';
import { unsubscribeHeaders } from './unsubscribe-headers.ts';

export interface Mail {
  readonly from: Mailbox;
  readonly to: string;
  /** Address for replies; absent: the sender. */
  readonly replyTo?: Mailbox | undefined;
  readonly messageId: string;
  readonly date: Date;
  /** The URL of RFC 8058. */
  readonly unsubscribeUrl?: string | undefined;
  readonly message: Message;
}

/**
 * Returns the bytes of an email (RFC 5322, 2045–2047), from the first header to the last line break: text alone, or text
 * and HTML as alternatives, the HTML with its inline images, then the attachments. ASCII only, CRLF, lines of at most 76
 * characters (an address or URL may be longer). Built here because nodemailer's composer, which can do far more, costs as much
 * as the rest of sending.
 *
 * @param mail `from`, `to`, `replyTo` and `messageId` (without brackets) must be valid: no line break, no bracket; and the
 *   attachments without fault
 */
export function buildMail(mail: Mail): Buffer {
  const { subject = '', text, html, attachments = [] } = mail.message;
  const head = [
    `From: ${encodeMailbox(mail.from)}`,
    `To: ${mail.to}`,
    ...(mail.replyTo ? [`Reply-To: ${encodeMailbox(mail.replyTo)}`] : []),
    `Subject: ${encodeSubject(subject)}`,
    `Message-ID: <${mail.messageId}>`,
    // "GMT" is obsolete syntax in mail.
    `Date: ${mail.date.toUTCString().replace('GMT', '+0000')}`,
    'Auto-Submitted: auto-generated',
    ...unsubscribeHeaders(mail.unsubscribeUrl).map(([name, value]) => `${name}: ${value}`),
    'MIME-Version: 1.0',
  ].join('\r\n');
  // An image that is for the HTML alone goes with it; without HTML it is an attachment as any other.
  const isInline = ({ contentId }: Attachment) => html !== undefined && contentId !== undefined;
  const images = attachments.filter(isInline);
  const files = attachments.filter((each) => !isInline(each));
  const plain = buildPart('text/plain', text);
  const htmlPart = html === undefined ? undefined : buildPart('text/html', html);
  const shown =
    htmlPart === undefined
      ? plain
      : joinParts('alternative', [plain, joinParts('related', [htmlPart, ...images.map(buildAttachment)])]);
  return Buffer.from(`${head}\r\n${joinParts('mixed', [shown, ...files.map(buildAttachment)])}\r\n`);
}

/**
 * Boundaries, none of which begins with another one. Constants are safe: neither quoted-printable nor base64 can contain `=_`
 * (RFC 2045, 6.7).
 */
const BOUNDARIES = { alternative: '=_tidings', related: '=_related', mixed: '=_mixed' } as const;

/** Returns parts as one of several; a single one as it is. */
function joinParts(kind: keyof typeof BOUNDARIES, parts: readonly string[]): string {
  const [first = '', ...others] = parts;
  if (others.length === 0) return first;
  const boundary = BOUNDARIES[kind];
  const joined = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
  return `Content-Type: multipart/${kind}; boundary="${boundary}"\r\n\r\n${joined}--${boundary}--`;
}

function buildPart(type: string, text: string): string {
  const lines = text.replace(/\r\n?|\n/g, '\r\n');
  // Quoted-printable, which is readable, as long as it is the shorter one.
  const nonAsciiBytes = Buffer.byteLength(lines) - lines.length;
  const [encoding, body] =
    nonAsciiBytes > lines.length / 6 ? ['base64', toBase64(lines)] : ['quoted-printable', toQuotedPrintable(lines)];
  return `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`;
}

// ---------------------------------------------------------------------------------------------------------------------
// Headers

/** Returns a subject as it is if it is plain and short, else encoded. Control characters become spaces. */
function encodeSubject(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are removed
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, ' ');
  return /^(?:[!-~](?:[ -~]{0,65}[!-~])?)?$/.test(line) && !line.includes('=?') ? line : toEncodedWords(line);
}

function encodeMailbox({ name, address }: Mailbox): string {
  if (name === '') return address;
  const isPlain = /^[ -~]{1,60}$/.test(name) && !name.includes('=?');
  const phrase = isPlain ? `"${name.replace(/["\\]/g, '\\$&')}"` : toEncodedWords(name);
  return `${phrase}\r\n <${address}>`;
}

/** Returns a mailbox in one line, as an API takes a sender. */
export function writeMailbox(mailbox: Mailbox): string {
  return encodeMailbox(mailbox).replace(/\r\n/g, '');
}

/** Returns RFC 2047 encoded words: base64, at most 75 characters each, one per line, split between characters. */
function toEncodedWords(text: string): string {
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

function toBase64(text: string): string {
  return (
    Buffer.from(text)
      .toString('base64')
      .match(/.{1,76}/g) ?? []
  ).join('\r\n');
}

/** Works on the whole text at once: byte by byte it would take longer than sending the message. */
function toQuotedPrintable(text: string): string {
  return (
    text
      .replaceAll('=', '=3D')
      .replace(/[^\t\r\n\x20-\x7e]+/g, toHexEscapes)
      // A blank at the end of a line may get lost in transport.
      .replace(/[\t ]$/gm, toHexEscapes)
      .split('\r\n')
      .map(foldLine)
      .join('\r\n')
  );
}

function toHexEscapes(run: string): string {
  return Buffer.from(run).toString('hex').toUpperCase().replace(/../g, '=$&');
}

/** Inserts soft line breaks, never within an escape. */
function foldLine(line: string): string {
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
