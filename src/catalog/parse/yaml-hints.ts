const UNCLOSED_HINT = 'look for a quote or bracket that is not closed, or a colon that is missing';

/**
 * Returns how to fix a syntax error of the library, by its code; undefined for a code without a better advice than its
 * message.
 */
export function getSyntaxHint(code: string, message = '', character = ''): string | undefined {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'indent with spaces';
    case 'TAG_RESOLVE_FAILED':
      return 'put quotes around a value that begins with !';
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
    case 'BLOCK_IN_FLOW':
      return 'put quotes around a text that contains a colon followed by a space';
    case 'BAD_INDENT':
      return message.startsWith('Flow') ? UNCLOSED_HINT : 'start all keys of one level in the same column';
    case 'UNEXPECTED_TOKEN':
      return 'put quotes around the whole of a text that begins with a quote, a bracket or a sign';
    case 'BAD_SCALAR_START':
      return `put quotes around a text that begins with ${JSON.stringify(character)}`;
    case 'MISSING_CHAR':
      return UNCLOSED_HINT;
    case 'BAD_ALIAS':
    case 'ALIAS_PROPS':
      return 'put quotes around a text that begins with * or &';
    default:
      return undefined;
  }
}
