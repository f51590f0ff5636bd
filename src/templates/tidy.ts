import { truncateText } from '../lib/text/truncate-text.ts';
import { MAX_SUBJECT_CHARS } from './limits.ts';

/** Returns a single line without control characters, valid in a header; line breaks become a blank. */
export function tidySubject(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removes control characters on purpose
  const line = text.replace(/[\u0000-\u0020\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return truncateText(line, MAX_SUBJECT_CHARS);
}

/** Normalizes line ends, and removes control characters and the blank lines left by a false `{{#if}}`. */
export function tidyText(text: string): string {
  if (!NEEDS_TIDYING.test(text)) return text.trim().toWellFormed();
  return (
    text
      .replace(/\r\n?/g, '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: removes control characters on purpose
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
      .split('\n')
      // Not a single regular expression: matching blanks before a line end takes quadratic time on a long run of blanks.
      .map((line) => line.trimEnd())
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
      .toWellFormed()
  );
}

/** Matches a text that needs changes, which is rare. Matches one character at a time, so in linear time. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: removes control characters on purpose
const NEEDS_TIDYING = /[\u0000-\u0008\u000b-\u001f\u007f]|[^\S\n]\n|\n\n\n/;

/** Removes NUL and unpaired surrogates from HTML, which email cannot carry. */
export function tidyHtml(html: string): string {
  return html.replaceAll('\u0000', '').toWellFormed();
}
