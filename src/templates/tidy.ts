import { MAX_SUBJECT } from './limits.ts';

/** One line without control characters, fit for a header: line breaks and their like become a blank. */
export function tidySubject(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
  const line = text.replace(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return (line.length > MAX_SUBJECT ? `${line.slice(0, MAX_SUBJECT - 1)}…` : line).toWellFormed();
}

/** Text with plain line ends, without control characters, without the blank lines that a false `{{#if}}` leaves. */
export function tidyText(text: string): string {
  if (!UNTIDY.test(text)) return text.trim().toWellFormed();
  return (
    text
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
      .split('\n')
      // Not by one expression: matching blanks before a line end takes quadratic time on a long run of blanks.
      .map((line) => line.trimEnd())
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
      .toWellFormed()
  );
}

/** Whether there is anything to do inside the text: nearly never. One character at a time, so in linear time. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is removed
const UNTIDY = /[\u0000-\u0008\u000b-\u001f\u007f]|[^\S\n]\n|\n\n\n/;

/** HTML without NUL and half surrogate pairs, which no mail can carry. */
export function tidyHtml(html: string): string {
  return html.replaceAll('\u0000', '').toWellFormed();
}
