import type { Statement } from './round-trip.ts';

/**
 * COPY is the cheapest way in: no parse tree, no parameter, no executor start for each row. In the CSV format with control
 * characters for its signs, nothing needs escaping that holds none: JSON text, ids, names, times.
 */
export function copyStatement(table: string, columns: string, rows: string): Statement {
  const text = `copy ${table} (${columns}) from stdin with (format csv, delimiter E'\\x1f', quote E'\\x01')`;
  return { name: `copy-${table}`, text, copyData: rows };
}

/** One row of it. Texts that may hold anything, or nothing, go through `copyText`. */
export function copyRow(fields: readonly (string | number | null)[]): string {
  return `${fields.join('\x1f')}\n`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const PLAIN = /^[^\x00-\x1f]+$/;

export function copyText(text: string): string {
  return PLAIN.test(text) ? text : `\x01${text.replaceAll('\x01', '\x01\x01')}\x01`;
}
