/**
 * Hides `{{…}}` behind plain words while a tool that does not know them works on the markup around them.
 */
export interface Hidden {
  /** The source with a word in place of each `{{…}}`; comments (`{{! …}}`) are gone. */
  readonly text: string;
  /** Puts them back. */
  restore(processed: string): string;
  /** Those that the tool threw away: a template without them would mean something else. */
  lost(processed: string): readonly { readonly mustache: string; readonly line: number; readonly column: number }[];
}

// Comments first, then `{{{…}}}`, then `{{…}}`; braces within quotes do not count. The lengths are bounded because
// every `{{` that is never closed (`\{{` may be) would otherwise be read to the end of the source.
const MUSTACHE = new RegExp(
  [
    String.raw`\{\{~?!--[\s\S]{0,5000}?--~?\}\}`,
    String.raw`\{\{~?![\s\S]{0,5000}?\}\}`,
    String.raw`\{\{\{(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^"'}]){0,2000}\}\}\}`,
    String.raw`\{\{(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^"'}]){0,2000}\}\}`,
  ].join('|'),
  'g',
);
const WORD = /zqmustache(\d+)qz/gi;

export function hideMustaches(source: string): Hidden {
  const found: { mustache: string; at: number }[] = [];
  const text = source.replace(MUSTACHE, (mustache: string, at: number) => {
    if (/^\{\{~?!/.test(mustache)) return '';
    found.push({ mustache, at });
    return `zqmustache${found.length - 1}qz`;
  });
  return {
    text,
    restore: (processed) => processed.replace(WORD, (word, index) => found[Number(index)]?.mustache ?? word),
    lost: (processed) => {
      const seen = new Set([...processed.matchAll(WORD)].map((match) => Number(match[1])));
      return found
        .filter((_, index) => !seen.has(index))
        .map(({ mustache, at }) => {
          const before = source.slice(0, at).split('\n');
          return { mustache, line: before.length, column: (before.at(-1) ?? '').length + 1 };
        });
    },
  };
}
