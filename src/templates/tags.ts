/** A start tag as it is written. */
export interface Tag {
  /** In lower case. */
  readonly name: string;
  readonly text: string;
  /** Offset after its `>`. */
  readonly end: number;
}

/** Longer tags are passed over. */
const MAX_TAG_CHARS = 16_384;

/** Returns the start tags of HTML in order, without those in comments. Takes linear time. */
export function* listTags(html: string): Generator<Tag> {
  let at = html.indexOf('<');
  while (at >= 0) {
    if (html.startsWith('<!--', at)) {
      const close = html.indexOf('-->', at + 4);
      if (close < 0) return;
      at = html.indexOf('<', close);
      continue;
    }
    const end = findEnd(html, at + 1);
    const text = html.slice(at, end);
    const [, name] = /^<([a-z][a-z0-9-]*)/i.exec(text) ?? [];
    if (name !== undefined && text.endsWith('>')) yield { name: name.toLowerCase(), text, end };
    at = html.indexOf('<', end);
  }
}

/** Returns the offset after the `>` that ends a tag; quotes may have others. A tag without an end stops at the bound. */
function findEnd(html: string, from: number): number {
  const bound = Math.min(html.length, from + MAX_TAG_CHARS);
  let quote = '';
  for (let at = from; at < bound; at += 1) {
    const sign = html[at]!;
    if (quote !== '') {
      if (sign === quote) quote = '';
    } else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '>') return at + 1;
  }
  return bound;
}

/** Returns the value of an attribute as it is written, with its entities; undefined: the tag does not have it. */
export function getAttribute({ text }: Tag, name: string): string | undefined {
  const attributes = text.matchAll(/\s([a-z][\w:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gi);
  for (const [, found, double, single, bare] of attributes) {
    if (found?.toLowerCase() === name) return double ?? single ?? bare ?? '';
  }
  return undefined;
}
