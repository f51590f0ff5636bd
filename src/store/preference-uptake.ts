import type { Connection } from './pg/pool.ts';

/** Users with terms that are counted, at most; and the size of the terms (compressed) up to which they are. */
const MAX_COUNTED_USERS = 5000;
const MAX_COUNTED_BYTES = 4096;

/** Choices of users for one scope (`PreferenceScope` of src/model/terms.ts). */
export interface SaidOfScope {
  readonly scope: string;
  /** Channels of a type that are on, the others being off; null: the users said nothing of channels. */
  readonly channels: readonly string[] | null;
  /** Users who turned it off, or want it never. */
  readonly off: number;
  readonly on: number;
  /** Users with these channels. */
  readonly users: number;
}

/** Choices of users, of those who said something. */
export interface Uptake {
  readonly users: number;
  /** Whether there are more users than were counted. */
  readonly hasMore: boolean;
  readonly said: readonly SaidOfScope[];
}

/** Counts what the users of a tenant turned on and off. Users who said nothing are not read, and of the others a bounded number. */
export async function countSaid(connection: Connection, tenantId: string): Promise<Uptake> {
  const { rows } = await connection.query<{
    users: string;
    has_more: boolean;
    scope: string | null;
    channels: readonly string[] | null;
    off: string;
    on: string;
    n: string;
  }>(
    `with looked as materialized (
       select case when pg_column_size(terms) <= ${MAX_COUNTED_BYTES} then terms -> 'p' end as p,
              pg_column_size(terms) > ${MAX_COUNTED_BYTES} as is_large, row_number() over (order by user_id) as place
       from users where tenant_id = $1 and terms is not null order by user_id limit ${MAX_COUNTED_USERS + 1}
     ), counted as materialized (
       select p from looked where place <= ${MAX_COUNTED_USERS} and p is not null
     ), said as (
       select s.key as scope, (s.value #> '{channels,0}')::text as channels, s.value #>> '{on,0}' as is_on, s.value #>> '{freq,0}' as freq
       from counted cross join lateral json_each(p) as s
     ), sums as (
       select scope, channels, count(*) as n,
              count(*) filter (where is_on = '0' or freq = 'NEVER') as off, count(*) filter (where is_on = '1' and freq is distinct from 'NEVER') as "on"
       from said group by scope, channels
     )
     select (select count(*) from counted) as users,
            exists (select from looked where is_large or place > ${MAX_COUNTED_USERS}) as has_more,
            sums.scope, nullif(sums.channels, 'null')::json as channels, sums.off, sums."on", sums.n
     from (select) as one left join sums on true`,
    [tenantId],
  );
  const said = rows.flatMap(({ scope, channels, off, on, n }) =>
    scope === null ? [] : [{ scope, channels, off: Number(off), on: Number(on), users: Number(n) }],
  );
  return { users: Number(rows[0]?.users ?? 0), hasMore: rows[0]?.has_more ?? false, said };
}
