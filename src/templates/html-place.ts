import { decodeHTMLAttribute } from 'entities';

/* Reads HTML as it is written, and knows the place at which the next value is written. */

/** The place at the end of some HTML. */
export type HtmlPlace =
  /** Text, or a comment. */
  | { readonly kind: 'text' }
  /** The name of a tag or of an attribute. */
  | { readonly kind: 'name' }
  | { readonly kind: 'script' }
  /** A style sheet; `recent` are its last characters, at most KEPT_CHARS. */
  | { readonly kind: 'style'; readonly recent: string }
  | AttributePlace;

/** The value of an attribute. What is written of it so far is given as HTML, with its entities. */
export interface AttributePlace {
  readonly kind: 'attribute';
  /** In lower case; at most MAX_NAME_CHARS of it. */
  readonly name: string;
  readonly quoted: boolean;
  /** The first characters of the value, at most KEPT_CHARS. */
  readonly start: string;
  /** The last characters of the value, at most KEPT_CHARS. */
  readonly recent: string;
  /** Whether the value has a `?` or `#`, after which the parts of a URL are percent-encoded. */
  readonly inQuery: boolean;
}

/** Number of characters of a value, of a style sheet and of a comment that are kept from its start, and from its end. */
export const KEPT_CHARS = 2048;
const MAX_NAME_CHARS = 64;

/** Elements without tags and comments in them. */
const RAW_ELEMENTS: ReadonlySet<string> = new Set([
  ...['script', 'style', 'xmp', 'iframe', 'noembed', 'noframes'],
  ...['title', 'textarea'],
]);

type State =
  /** `open` and `close` follow `<` and `</`, `declaration` follows `<!`; `bogus` ends at the next `>`. */
  | ('text' | 'open' | 'close' | 'declaration' | 'comment' | 'bogus' | 'raw')
  /** `tag` is between two attributes. */
  | ('tagName' | 'tag' | 'name' | 'afterName' | 'beforeValue' | 'quoted' | 'unquoted');

/**
 * Reads HTML in pieces, as a browser does (https://html.spec.whatwg.org/#tokenization), in linear time. Memory is bounded by
 * the constants above. Conditional comments (`<!--[if mso]>`) are read as HTML, since Outlook shows them.
 */
export class HtmlReader {
  #state: State = 'text';
  /** Name of the current tag, in lower case. */
  #tag = '';
  #isEndTag = false;
  /** Name of the current attribute, as written. */
  #name = '';
  #quote = '';
  /** The first and the last characters of the value, raw element or comment that is read. */
  #start = '';
  #recent = '';
  #inQuery = false;
  /** End of the value that may be the beginning of an entity. */
  #partOfEntity = '';
  #isConditional = false;

  get place(): HtmlPlace {
    switch (this.#state) {
      case 'open':
      case 'close':
      case 'tagName':
      case 'tag':
      case 'name':
      case 'afterName':
        return { kind: 'name' };
      case 'beforeValue':
        return { ...this.#attribute, quoted: false, start: '', recent: '', inQuery: false };
      case 'quoted':
      case 'unquoted':
        return this.#attribute;
      case 'raw':
        if (this.#tag === 'script') return { kind: 'script' };
        return this.#tag === 'style' ? { kind: 'style', recent: this.#recent } : { kind: 'text' };
      default:
        return { kind: 'text' };
    }
  }

  get #attribute(): AttributePlace {
    return {
      kind: 'attribute',
      name: this.#name.toLowerCase(),
      quoted: this.#state === 'quoted',
      start: this.#start,
      recent: this.#recent,
      inQuery: this.#inQuery,
    };
  }

  /** Reads the next piece of HTML. */
  write(html: string): void {
    for (let rest = html; rest !== ''; ) {
      const end = this.#isConditional ? rest.indexOf('-->') : -1;
      if (end < 0) {
        rest = rest.slice(this.#read(rest));
        continue;
      }
      // A browser reads a comment up to here, whatever is open within it.
      this.#read(rest.slice(0, end + 3));
      rest = rest.slice(end + 3);
      this.#isConditional = false;
      this.#state = 'text';
    }
  }

  /** Reads up to the start of a conditional comment, or else everything. Returns the index up to which it has read. */
  #read(html: string): number {
    const before = this.#isConditional;
    let at = 0;
    while (at < html.length && this.#isConditional === before) at = this.#step(html, at);
    return at;
  }

  /** Reads on from an index, and returns the index up to which it has read; the state may change without progress. */
  #step(html: string, at: number): number {
    switch (this.#state) {
      case 'text':
        return this.#skipTo(html, '<', at, 'open');
      case 'open':
        if (html[at] === '/') return this.#enter('close', at + 1);
        if (html[at] === '!') return this.#enterContent('declaration', at + 1);
        if (html[at] === '?') return this.#enter('bogus', at + 1);
        return this.#enterTag(html, at, false, 'text');
      case 'close':
        return html[at] === '>' ? this.#enter('text', at + 1) : this.#enterTag(html, at, true, 'bogus');
      case 'declaration':
        if (html[at] !== '-') return this.#enter('bogus', at);
        return this.#start === '-' ? this.#enterContent('comment', at + 1) : this.#keep('-', at + 1);
      case 'bogus':
        return this.#skipTo(html, '>', at, 'text');
      case 'comment':
        return this.#readComment(html, at);
      case 'raw':
        return this.#readRaw(html, at);
      default:
        return this.#stepInTag(html, at);
    }
  }

  #stepInTag(html: string, at: number): number {
    const sign = html[at];
    switch (this.#state) {
      case 'tagName': {
        const end = endOf(TAG_NAME, html, at);
        this.#tag = (this.#tag + html.slice(at, end).toLowerCase()).slice(0, MAX_NAME_CHARS);
        return end < html.length ? this.#enter('tag', end) : end;
      }
      case 'name': {
        const end = endOf(NAME, html, at);
        this.#name = (this.#name + html.slice(at, end)).slice(0, MAX_NAME_CHARS);
        return end < html.length ? this.#enter('afterName', end) : end;
      }
      case 'beforeValue':
        if (isSpace(sign)) return endOf(SPACE, html, at);
        if (sign === '>') return this.#enter('tag', at);
        this.#inQuery = false;
        this.#partOfEntity = '';
        if (sign !== '"' && sign !== "'") return this.#enterContent('unquoted', at);
        this.#quote = sign;
        return this.#enterContent('quoted', at + 1);
      case 'quoted': {
        const found = html.indexOf(this.#quote, at);
        this.#readValue(html.slice(at, found < 0 ? html.length : found));
        return found < 0 ? html.length : this.#enter('tag', found + 1);
      }
      case 'unquoted': {
        const end = endOf(UNQUOTED, html, at);
        this.#readValue(html.slice(at, end));
        return end < html.length ? this.#enter('tag', end) : end;
      }
      default:
        if (isSpace(sign)) return endOf(SPACE, html, at);
        if (sign === '/') return this.#enter('tag', at + 1);
        if (sign === '>') return this.#endTag(at + 1);
        if (sign === '=' && this.#state === 'afterName') return this.#enter('beforeValue', at + 1);
        this.#name = sign ?? '';
        return this.#enter('name', at + 1);
    }
  }

  #enter(state: State, at: number): number {
    this.#state = state;
    return at;
  }

  #enterContent(state: State, at: number): number {
    this.#start = '';
    this.#recent = '';
    return this.#enter(state, at);
  }

  #enterTag(html: string, at: number, isEndTag: boolean, otherwise: State): number {
    if (!/[a-z]/i.test(html[at] ?? '')) return this.#enter(otherwise, at);
    this.#tag = '';
    this.#isEndTag = isEndTag;
    return this.#enter('tagName', at);
  }

  #endTag(at: number): number {
    return this.#isEndTag || !RAW_ELEMENTS.has(this.#tag) ? this.#enter('text', at) : this.#enterContent('raw', at);
  }

  #skipTo(html: string, sign: string, at: number, state: State): number {
    const found = html.indexOf(sign, at);
    return found < 0 ? html.length : this.#enter(state, found + 1);
  }

  #keep(content: string, at: number, recent = KEPT_CHARS): number {
    if (this.#start.length < KEPT_CHARS) this.#start += content.slice(0, KEPT_CHARS - this.#start.length);
    this.#recent = (this.#recent + content.slice(-recent)).slice(-recent);
    return at;
  }

  #readValue(content: string): void {
    this.#keep(content, 0);
    if (this.#inQuery) return;
    const value = this.#partOfEntity + content;
    this.#partOfEntity = /&[#\w]{0,40}$/.exec(value.slice(-41))?.[0] ?? '';
    const known = value.slice(0, value.length - this.#partOfEntity.length);
    this.#inQuery = /[?#]/.test(known.includes('&') ? decodeHTMLAttribute(known) : known);
  }

  #readComment(html: string, at: number): number {
    const found = html.indexOf('>', at);
    const end = found < 0 ? html.length : found + 1;
    this.#keep(html.slice(at, end), end, '--!>'.length);
    if (found < 0) return end;
    if (/^-?>$/.test(this.#start) || /--!?>$/.test(this.#recent)) return this.#enter('text', end);
    if (!/^\[if\b[^>]*>$/i.test(this.#start)) return end;
    this.#isConditional = true;
    return this.#enter('text', end);
  }

  #readRaw(html: string, at: number): number {
    // The end tag may begin in the piece before.
    const before = this.#recent.slice(-this.#tag.length - 2);
    const text = before + html.slice(at);
    const found = new RegExp(`</${this.#tag}(?=[\\s/>])`, 'i').exec(text);
    if (found === null) return this.#keep(html.slice(at), html.length);
    this.#isEndTag = true;
    return this.#enter('tag', at + found.index + found[0].length - before.length);
  }
}

/** Finds the place at which the HTML ends. */
export function findPlace(html: string): HtmlPlace {
  const reader = new HtmlReader();
  reader.write(html);
  return reader.place;
}

const SPACE = /[\t\n\f\r ]*/y;
const TAG_NAME = /[^\t\n\f\r />]*/y;
const NAME = /[^\t\n\f\r />=]*/y;
const UNQUOTED = /[^\t\n\f\r >]*/y;

/** Returns the index at which what the sticky pattern matches ends. */
function endOf(pattern: RegExp, html: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(html);
  return pattern.lastIndex;
}

function isSpace(sign: string | undefined): boolean {
  return sign === ' ' || sign === '\n' || sign === '\t' || sign === '\r' || sign === '\f';
}
