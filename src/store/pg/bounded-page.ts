import type pg from 'pg';

/** Text in one page of a list, in bytes. A list of whole events would else be as large as its callers like. */
const PAGE_BYTES = 8 * 1024 * 1024;

/**
 * The rows of a select that has an order and a limit, as long as the page has room: the first one, and each that has less
 * than PAGE_BYTES before it. What is left out never leaves PostgreSQL.
 * @param query.order as in the select, by names of its columns
 * @param query.texts the columns that may be large
 * @returns `more`: the list likely goes on after the last of the rows
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
     where coalesce(found_before, 0) < ${PAGE_BYTES} order by ${order}`,
    [...values],
  );
  const found = rows[0]?.found_rows ?? 0;
  return {
    rows: rows.map(({ found_rows, found_before, ...row }) => row),
    more: found === limit || rows.length < found,
  };
}
