const NEWLINE = 0x0a;

/** Bound of one row, to keep what waits for its end in memory. PostgreSQL stores no larger one. */
const MAX_ROW_BYTES = 1024 * 1024 * 1024;

/**
 * Selects the rows of some tenants, whose id is the first column.
 *
 * @param chunks rows in COPY's text format, in pieces that may end anywhere
 */
export async function* selectTenantRows(
  chunks: AsyncIterable<Buffer>,
  tenants: readonly string[],
): AsyncGenerator<Buffer, void> {
  const starts = tenants.map((tenant) => Buffer.from(`${escapeCopyText(tenant)}\t`));
  let pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    const lastEnd = chunk.lastIndexOf(NEWLINE) + 1;
    pending.push(chunk.subarray(0, lastEnd));
    if (lastEnd > 0) {
      const rows = selectRows(Buffer.concat(pending), starts);
      if (rows.length > 0) yield rows;
      pending = [];
      size = 0;
    }
    pending.push(chunk.subarray(lastEnd));
    size += chunk.length - lastEnd;
    if (size > MAX_ROW_BYTES) throw new Error('a row of the dump is too large');
  }
}

/** Returns the rows that begin with one of `starts`, of complete rows. */
function selectRows(rows: Buffer, starts: readonly Buffer[]): Buffer {
  const selected: Buffer[] = [];
  for (let at = 0; at < rows.length; ) {
    const end = rows.indexOf(NEWLINE, at) + 1;
    if (starts.some((start) => rows.subarray(at, at + start.length).equals(start)))
      selected.push(rows.subarray(at, end));
    at = end;
  }
  return Buffer.concat(selected);
}

/** Escapes a text as COPY does. Ids hold no control characters. */
function escapeCopyText(text: string): string {
  return text.replaceAll('\\', '\\\\');
}
