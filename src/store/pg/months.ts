import type { Connection } from './pool.ts';

/** Lists the months that have a partition, such as `2025-11`, by partitioned table. */
export async function listMonths(connection: Connection): Promise<{ [table: string]: string[] }> {
  const { rows } = await connection.query<{ parent: string; name: string }>(
    `select p.relname as parent, c.relname as name
     from pg_inherits join pg_class as c on c.oid = inhrelid join pg_class as p on p.oid = inhparent
     where p.relkind = 'p' and c.relkind = 'r' and p.relnamespace = to_regnamespace(current_schema())
     order by p.relname, c.relname`,
  );
  const months: { [table: string]: string[] } = {};
  for (const { parent, name } of rows) {
    const month = /_(\d{4})_(\d{2})$/.exec(name);
    if (month) months[parent] = [...(months[parent] ?? []), `${month[1]}-${month[2]}`];
  }
  return months;
}
