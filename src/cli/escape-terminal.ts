/**
 * What a terminal obeys instead of showing it, or what turns the order of what it shows: control characters (C0, DEL, C1), line
 * separators, bidirectional controls.
 */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;

/** A text that somebody else may have written, as one line of a terminal: `\u{1b}[31m`. All that is printed goes through it. */
export function escapeTerminal(text: string): string {
  return text.replace(OBEYED, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`);
}

/** Lines as one text: the only line breaks in it are those between them. */
export function escapeLines(lines: readonly string[]): string {
  return lines.map(escapeTerminal).join('\n');
}

/** JSON that can be copied from a terminal. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replace(OBEYED, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
