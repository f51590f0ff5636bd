import type { Attachment } from '../../model/delivery.ts';

/** Characters of a file name on one line of a header. */
const NAME_CHARS_PER_LINE = 48;

/** Base64 characters on one line (RFC 2045), and the bytes that they stand for. */
const LINE_CHARS = 76;

/** Returns a file as a part of an email, without a line break at its end. It must have passed `findAttachmentFault`. */
export function buildAttachment({ name, type, content, contentId }: Attachment): string {
  const lines = content.toString('base64').match(new RegExp(`.{1,${LINE_CHARS}}`, 'g')) ?? [];
  return [
    `Content-Type: ${type}`,
    `Content-Disposition: ${contentId === undefined ? 'attachment' : 'inline'};${toNameParameter(name)}`,
    ...(contentId === undefined ? [] : [`Content-ID: <${contentId}>`]),
    'Content-Transfer-Encoding: base64',
    '',
    ...lines,
  ].join('\r\n');
}

/** Returns the parameter `filename`, on lines of its own: as it is if it is short and plain, else by RFC 2231. */
function toNameParameter(name: string): string {
  if (/^[\w .()+-]+$/.test(name) && name.length <= NAME_CHARS_PER_LINE) return `\r\n filename="${name}"`;
  const pieces: string[] = [''];
  for (const character of name) {
    const written = /[A-Za-z0-9.-]/.test(character) ? character : toPercent(character);
    const last = pieces.length - 1;
    if ((pieces[last]?.length ?? 0) + written.length > NAME_CHARS_PER_LINE) pieces.push(written);
    else pieces[last] += written;
  }
  if (pieces.length === 1) return `\r\n filename*=UTF-8''${pieces[0]}`;
  return pieces.map((piece, n) => `\r\n filename*${n}*=${n === 0 ? "UTF-8''" : ''}${piece}`).join(';');
}

function toPercent(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '%$&');
}
