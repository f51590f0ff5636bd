/* Colors of templates: tags, attributes and comments of HTML and MJML, and `{{…}}` wherever they stand. */
import type { StreamParser, StringStream } from '@codemirror/language';

interface State {
  /** Within `{{…}}`, a tag, or a value of an attribute with this quote. */
  within: 'text' | 'mustache' | 'tag' | '"' | "'";
  /** In which the `{{…}}` stand. */
  outer: State['within'];
}

const KEYWORDS = /^(?:if|unless|each|with|let|else|as|this)$/;

export const templateParser: StreamParser<State> = {
  name: 'template',
  startState: () => ({ within: 'text', outer: 'text' }),
  copyState: (state) => ({ ...state }),
  token(stream, state) {
    if (state.within === 'mustache') return readMustache(stream, state);
    if (stream.match(/^\{\{!--.*?(?:--\}\}|$)/) || stream.match(/^\{\{!.*?(?:\}\}|$)/)) return 'comment';
    if (stream.match(/^\{\{\{?[~#/^>&]?/)) {
      state.outer = state.within;
      state.within = 'mustache';
      return 'keyword';
    }
    if (state.within === 'text') return readText(stream, state);
    if (state.within === 'tag') return readTag(stream, state);
    return readQuoted(stream, state);
  },
};

function readMustache(stream: StringStream, state: State): string | null {
  if (stream.match(/^~?\}\}\}?/)) {
    state.within = state.outer;
    return 'keyword';
  }
  if (stream.match(/^"[^"]*"?/) || stream.match(/^'[^']*'?/)) return 'string';
  if (stream.match(/^-?\d+(?:\.\d+)?\b/)) return 'number';
  const word = stream.match(/^[@\w.[\]-]+/);
  if (word && word !== true) return KEYWORDS.test(word[0]) ? 'keyword' : 'propertyName';
  stream.next();
  return null;
}

function readText(stream: StringStream, state: State): string | null {
  if (stream.match(/^<!--.*?(?:-->|$)/)) return 'comment';
  if (stream.match(/^<\/?[A-Za-z][\w-]*/)) {
    state.within = 'tag';
    return 'tagName';
  }
  stream.next();
  stream.match(/^[^<{]*/);
  return null;
}

function readTag(stream: StringStream, state: State): string | null {
  if (stream.match(/^\/?>/)) {
    state.within = 'text';
    return 'tagName';
  }
  const quote = stream.match(/^["']/);
  if (quote && quote !== true) {
    state.within = quote[0] as '"' | "'";
    return 'string';
  }
  if (stream.match(/^[\w:-]+/)) return 'attributeName';
  stream.next();
  return null;
}

function readQuoted(stream: StringStream, state: State): string {
  while (!stream.eol() && !stream.match('{{', false)) {
    if (stream.next() === state.within) {
      state.within = 'tag';
      break;
    }
  }
  return 'string';
}
