/** Media type of comma-separated values. */
export const CSV = 'text/csv';

type Cell = string | number | boolean | null;

/** Beginnings of a text that a spreadsheet takes for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Returns rows as comma-separated values (RFC 4180), with a line of names. Null is empty. A text that a spreadsheet would run as a formula
 * begins with an apostrophe.
 * @param columns names of the columns, in order; each row has them
 */
export function toCsv(columns: readonly string[], rows: readonly { readonly [column: string]: Cell }[]): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))];
  return lines.map((cells) => `${cells.map(toCell).join(',')}\r\n`).join('');
}

function toCell(value: Cell): string {
  if (value === null) return '';
  if (typeof value !== 'string') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
