/**
 * Characters that a terminal interprets instead of showing, or that change the order of what it shows: control characters
 * (C0, DEL, C1), line separators, bidirectional controls.
 */
const INTERPRETED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/**
 * Returns a text as one line that is safe to print, with escapes such as `\u{1b}[31m`. Everything that may contain text
 * from users, events or files is printed through this function.
 */
export function escapeTerminal(text: string): string {
  return text.replace(INTERPRETED, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}

/** Joins lines into one text whose only line breaks are those between the lines. */
export function escapeLines(lines: readonly string[]): string {
  return lines.map(escapeTerminal).join('\n');
}

/** Returns JSON that is safe to print and can be copied from a terminal. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replace(INTERPRETED, toJsonEscape);
}

function toJsonEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
