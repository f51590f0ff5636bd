/** Source in which `{{…}}` are replaced by plain words, for tools that process only the markup around them. */
export interface Hidden {
  /** Source with a word in place of each `{{…}}`; comments (`{{! …}}`) are removed. */
  readonly text: string;
  /** Restores the `{{…}}`, each changed by `change` if it is given; `index` counts them from 0. */
  restore(processed: string, change?: (mustache: string, index: number) => string): string;
  /** Returns the `{{…}}` that the tool removed, which changes the meaning of the template. */
  lost(processed: string): readonly { readonly mustache: string; readonly line: number; readonly column: number }[];
}

// Comments first, then `{{{…}}}`, then `{{…}}`; braces within quotes do not count. Lengths are bounded, since otherwise each
// unclosed `{{` (such as `\{{`) would be scanned to the end of the source.
const MUSTACHE = new RegExp(
  [
    String.raw`\{\{~?!--[\s\S]{0,5000}?--~?\}\}`,
    String.raw`\{\{~?![\s\S]{0,5000}?\}\}`,
    String.raw`\{\{\{(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^"'}]){0,2000}\}\}\}`,
    String.raw`\{\{(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^"'}]){0,2000}\}\}`,
  ].join('|'),
  'g',
);
export const PLACEHOLDER = /zqmustache(\d+)qz/gi;

/** Replaces each `{{…}}` by a word. */
export function hideMustaches(source: string): Hidden {
  const found: { mustache: string; at: number }[] = [];
  const text = source.replace(MUSTACHE, (mustache: string, at: number) => {
    if (/^\{\{~?!/.test(mustache)) return '';
    found.push({ mustache, at });
    return `zqmustache${found.length - 1}qz`;
  });
  return {
    text,
    restore: (processed, change = (mustache) => mustache) =>
      processed.replace(PLACEHOLDER, (word, index) => {
        const mustache = found[Number(index)]?.mustache;
        return mustache === undefined ? word : change(mustache, Number(index));
      }),
    lost: (processed) => {
      const seen = new Set([...processed.matchAll(PLACEHOLDER)].map((match) => Number(match[1])));
      return found
        .filter((_, index) => !seen.has(index))
        .map(({ mustache, at }) => {
          const before = source.slice(0, at).split('\n');
          return { mustache, line: before.length, column: (before.at(-1) ?? '').length + 1 };
        });
    },
  };
}
