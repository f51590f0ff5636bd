import type pg from 'pg';
import { compileCatalog } from '../../src/catalog/compile/compile-catalog.ts';
import { newIds } from '../../src/ingest/ids.ts';
import { type Facts, loadConditionalFacts } from '../../src/ingest/load-facts.ts';
import { EMPTY_CATALOG } from '../../src/model/catalog.ts';
import type { Millis } from '../../src/model/event.ts';
import { Seal } from '../../src/privacy/seal.ts';
import type { FactsQuery } from '../../src/store/facts/facts.ts';
import { TENANT } from './tidings.ts';
import { uuidOf } from './waits.ts';

/** Stores event number `n` of a user, with its decisions in the form of the events table. */
export async function storeEvent(
  pool: pg.Pool,
  userId: string,
  type: string,
  time: Millis,
  n: number,
  decisions: readonly object[] = [],
): Promise<void> {
  const text = JSON.stringify(decisions);
  await pool.query(
    `insert into events (tenant_id, user_id, event_time, key, event_type, event_id, received_at, properties, traits, catalog_version, has_trait_change, decisions)
     values ($1, $2, $3, $4, $5, $6, $3, $7, '{}', 1, $8, $9)`,
    [TENANT, userId, new Date(time), uuidOf(n), type, `n${n}`, { n }, text.includes('"change":') || null, text],
  );
}

/** Stores events of type `a`, a second apart from `first` + 1 s on, spread over `users` users; of one user: of `u`. */
export async function storeManyEvents(pool: pg.Pool, first: Millis, count: number, users = 1): Promise<void> {
  await pool.query(
    `insert into events (tenant_id, user_id, event_time, key, event_type, received_at, properties, traits, catalog_version, decisions)
     select $1, case when $4 = 1 then 'u' else 'p ' || n % $4 end, $2::timestamptz + n * interval '1 second',
            ('00000000-0000-8000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a', $2, '{}', '{}', 1, '[]'
     from generate_series(1, $3::int) as n`,
    [TENANT, new Date(first), count, users],
  );
}

/** Loads the events of these look-ups into the states of the users, for rules of any kind. */
export async function loadHistory(
  pool: pg.Pool,
  users: Facts['users'],
  ...history: FactsQuery['history']
): Promise<void> {
  const none = compileCatalog(0, 0, EMPTY_CATALOG);
  const rules = { ...none.rules, hasTraitPatterns: true };
  const query = { tenantId: TENANT, userIds: [...users.keys()], events: [], history, limits: [] };
  const seal = new Seal(Buffer.alloc(32));
  const facts = {
    tenantId: TENANT,
    seal,
    ids: newIds(seal),
    users,
    addressHashes: new Map(),
    profileChars: new Map(),
    hasWaits: false,
    heardTypes: null,
    openTopics: null,
    hasStoredTriggers: false,
    large: [],
    contentChars: 0,
    cutWaits: new Map(),
  };
  const connection = await pool.connect();
  const cohort = { catalog: { ...none, rules }, has: () => true, pick: <T>(all: readonly T[]) => all };
  await loadConditionalFacts(connection, cohort, query, facts, []);
  connection.release();
}
