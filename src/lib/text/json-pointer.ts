/** Returns the JSON pointer (RFC 6901) to a value in a document, such as `/files/rules.yaml`; empty: the document itself. */
export function toJsonPointer(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
