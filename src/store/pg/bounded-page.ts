import type pg from 'pg';

/**
 * Bound of the text in one page of a list. Without it, a list of whole events would be as large as callers make their
 * events.
 */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;

/**
 * Returns the rows of a select with an order and a limit, as long as the page has room: the first row, and each that has
 * less than MAX_PAGE_BYTES before it. The other rows do not leave PostgreSQL.
 * @param query.order as in the select, by names of its columns
 * @param query.texts the columns that may be large
 * @returns `more`: whether the list likely continues after the last row
 */
export async function queryPage(
  pool: pg.Pool,
  query: {
    readonly select: string;
    readonly values: readonly unknown[];
    readonly limit: number;
    readonly order: string;
    readonly texts: readonly string[];
  },
  // biome-ignore lint/suspicious/noExplicitAny: rows of the caller's statement, named column by column there
): Promise<{ rows: any[]; more: boolean }> {
  const { select, values, limit, order, texts } = query;
  const size = texts.map((column) => `coalesce(octet_length(${column}::text), 0)`).join(' + ');
  const { rows } = await pool.query(
    `select * from (
       select found.*, count(*) over () as found_rows,
              sum(${size}) over (order by ${order} rows between unbounded preceding and 1 preceding) as found_before
       from (${select}) as found
     ) as page
     where coalesce(found_before, 0) < ${MAX_PAGE_BYTES} order by ${order}`,
    [...values],
  );
  const found = rows[0]?.found_rows ?? 0;
  return {
    rows: rows.map(({ found_rows, found_before, ...row }) => row),
    more: found === limit || rows.length < found,
  };
}
