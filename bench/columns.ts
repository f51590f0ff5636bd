/**
 * Returns the lines as one text with their columns padded to equal width; no trailing blanks.
 * @param lines cells; every line has as many as the first
 * @param isLeft whether a column (from 0) is aligned to the left, as text is; numbers go to the right
 */
export function alignColumns(lines: readonly (readonly string[])[], isLeft: (column: number) => boolean): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] as string).length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] as number;
          return isLeft(column) ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Returns a whole number with thousands separators from 1000 on, three significant digits below. */
export function formatNumber(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
