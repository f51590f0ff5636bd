import type pg from 'pg';
import type { Millis } from '../../src/model/event.ts';

/*
 * The clock of the database, set to a time of one's own: functions of the names of its own clock, in a schema that the connections
 * of the seed look into first. Defaults of columns are bound to a function when they are made, and functions may have a search path of
 * their own: both lead to these meanwhile.
 */

const SCHEMA = 'time_machine';
/** Schemas that come after those of a search path: the own clock before that of PostgreSQL. */
const CLOCKS = `, ${SCHEMA}, pg_catalog`;

/** Returns the URL whose sessions have the clock of `setTime`. @param url of the embedded server */
export function withOwnTime(url: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set('options', `-c search_path=public${CLOCKS.replaceAll(' ', '')}`);
  return parsed.href;
}

/** Gives a database, whose schema is up to date, a clock of its own. Whatever such a clock was left behind goes on. */
export async function addOwnTime(pool: pg.Pool, now: Millis): Promise<void> {
  await pool.query(`
    create schema if not exists ${SCHEMA};
    grant usage on schema ${SCHEMA} to public;
    create table if not exists ${SCHEMA}.clock (at timestamptz not null);
    create or replace function ${SCHEMA}.now() returns timestamptz language sql stable security definer
      as 'select at from ${SCHEMA}.clock';
    create or replace function ${SCHEMA}.clock_timestamp() returns timestamptz language sql stable security definer
      as 'select at from ${SCHEMA}.clock';
    delete from ${SCHEMA}.clock`);
  await pool.query(`insert into ${SCHEMA}.clock values ($1)`, [new Date(now).toISOString()]);
  await bindDefaults(pool, `${SCHEMA}.now()`);
  await setPaths(pool, (path) => (path.endsWith(CLOCKS) ? path : `${path}${CLOCKS}`));
  // The default tenant, which the migrations have made, begins with the past.
  await pool.query('update tenants set created_at = $1', [new Date(now).toISOString()]);
}

export async function setTime(pool: pg.Pool, now: Millis): Promise<void> {
  await pool.query({
    name: 'set-time',
    text: `update ${SCHEMA}.clock set at = $1`,
    values: [new Date(now).toISOString()],
  });
}

/** Takes the clock away: from now on there is nothing of it in the database. */
export async function removeOwnTime(pool: pg.Pool): Promise<void> {
  await bindDefaults(pool, 'pg_catalog.now()');
  await setPaths(pool, (path) => path.replace(CLOCKS, ''));
  await pool.query(`drop schema ${SCHEMA} cascade`);
}

/** Binds the defaults of all columns that are the present time, also those of partitions, to a function. */
async function bindDefaults(pool: pg.Pool, to: string): Promise<void> {
  const { rows } = await pool.query<{ relation: string; column: string }>(
    `select format('%I.%I', n.nspname, c.relname) as relation, quote_ident(a.attname) as column
     from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
     where n.nspname = 'public' and pg_get_expr(d.adbin, d.adrelid) ~ '^(\\w+\\.)?now\\(\\)$'`,
  );
  for (const { relation, column } of rows)
    await pool.query(`alter table only ${relation} alter column ${column} set default ${to}`);
}

/** Changes the search paths of the functions that have one of their own. */
async function setPaths(pool: pg.Pool, change: (path: string) => string): Promise<void> {
  const { rows } = await pool.query<{ name: string; path: string }>(
    `select p.oid::regprocedure::text as name, substr(setting, length('search_path=') + 1) as path
     from pg_proc p cross join unnest(p.proconfig) as setting
     where p.pronamespace = 'public'::regnamespace and setting like 'search_path=%'`,
  );
  for (const { name, path } of rows) await pool.query(`alter function ${name} set search_path = ${change(path)}`);
}
