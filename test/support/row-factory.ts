import type pg from 'pg';

/** Values for columns that must have one. */
const BY_TYPE: { readonly [type: string]: unknown } = {
  text: 't',
  uuid: '00000000-0000-7000-8000-000000000000',
  integer: 1,
  smallint: 1,
  bigint: 1,
  boolean: false,
  json: {},
  bytea: '\\x00',
  ARRAY: [],
  'double precision': 1,
  'timestamp with time zone': new Date(0).toISOString(),
};

/** Inserts rows of any table, of which only some columns matter. */
export class RowFactory {
  readonly #pool: pg.Pool;
  readonly #required = new Map<string, readonly { readonly name: string; readonly type: string }[]>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** Inserts rows, each with the same columns, in one statement. */
  async insert(table: string, rows: readonly { readonly [column: string]: unknown }[]): Promise<void> {
    const [first] = rows;
    if (!first) return;
    const needed = (await this.#listRequired(table)).filter(({ name }) => !(name in first));
    const filled = Object.fromEntries(needed.map(({ name, type }) => [name, BY_TYPE[type]]));
    const columns = Object.keys({ ...filled, ...first }).join(', ');
    await this.#pool.query(
      `insert into ${table} (${columns}) select ${columns} from json_populate_recordset(null::${table}, $1)`,
      [JSON.stringify(rows.map((row) => ({ ...filled, ...row })))],
    );
  }

  async #listRequired(table: string) {
    const known = this.#required.get(table);
    if (known) return known;
    const { rows } = await this.#pool.query<{ name: string; type: string }>(
      `select column_name as name, data_type as type from information_schema.columns
       where table_schema = current_schema() and table_name = $1 and is_nullable = 'NO'
         and column_default is null and is_identity = 'NO' and is_generated = 'NEVER'`,
      [table],
    );
    this.#required.set(table, rows);
    return rows;
  }
}
