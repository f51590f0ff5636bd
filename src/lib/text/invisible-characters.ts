/** Names of characters that cannot be seen, or that look like a space. They are pasted from pages unnoticed. */
const NAMES: { readonly [character: string]: string } = {
  '\u00a0': 'no-break space',
  '\u00ad': 'soft hyphen',
  '\u034f': 'grapheme joiner',
  '\u061c': 'Arabic letter mark',
  '\u180e': 'Mongolian vowel separator',
  '\u200b': 'zero-width space',
  '\u200c': 'zero-width non-joiner',
  '\u200d': 'zero-width joiner',
  '\u200e': 'left-to-right mark',
  '\u200f': 'right-to-left mark',
  '\u2028': 'line separator',
  '\u2029': 'paragraph separator',
  '\u202f': 'narrow no-break space',
  '\u2060': 'word joiner',
  '\u3000': 'ideographic space',
  '\ufeff': 'byte order mark',
};

/** A joiner between letters that are not ASCII, as in Persian or in an emoji, is part of the word. */
const INVISIBLE =
  /[\u00a0\u00ad\u061c\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]|(?<!\P{ASCII})[\u200c\u200d]|[\u200c\u200d](?!\P{ASCII})|\u034f/u;

export interface OddCharacter {
  /** Index in the text, in UTF-16 units. */
  readonly index: number;
  readonly character: string;
  /** `a no-break space (U+00A0)`. */
  readonly name: string;
  /** Correction to suggest. */
  readonly hint: string;
}

/** Finds the first character that cannot be seen, or that looks like a space and does not count as one. */
export function findInvisible(text: string): OddCharacter | undefined {
  return toOddCharacter(INVISIBLE.exec(text));
}

/** Returns the text without the characters that `findInvisible` finds. */
export function removeInvisible(text: string): string {
  return text.replace(new RegExp(INVISIBLE, 'gu'), '');
}

/** Finds the first such character that is not part of a text between quotes, in which every character may be meant. */
export function findInvisibleOutsideQuotes(text: string): OddCharacter | undefined {
  // Replaced by as many characters, so that the index stays.
  return findInvisible(text.replace(QUOTED, (quoted) => '_'.repeat(quoted.length)));
}

const QUOTED = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;

function toOddCharacter(match: RegExpExecArray | null): OddCharacter | undefined {
  if (!match) return undefined;
  const [character] = match;
  const code = character.codePointAt(0) as number;
  const hex = code.toString(16).toUpperCase().padStart(4, '0');
  const isSpace = /\s/.test(character);
  const noun = NAMES[character] ?? nameRange(code);
  return {
    index: match.index,
    character,
    name: `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun} (U+${hex})`,
    hint: isSpace ? 'write an ordinary space' : 'delete it',
  };
}

function nameRange(code: number): string {
  if (code >= 0x2000 && code <= 0x200a) return 'special space';
  if (code === 0x205f) return 'mathematical space';
  if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069)) return 'mark of the writing direction';
  return 'character without width';
}
