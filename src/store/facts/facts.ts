import type { Excerpt } from '../../events/excerpt.ts';
import { hashText } from '../../lib/text/hash-text.ts';
import type { Decision } from '../../model/decision.ts';
import type { Event, JsonObject, Millis, Profile } from '../../model/event.ts';
import type { ActiveVersion, ReleaseUnderWay } from '../../model/release.ts';
import type { CountedUse, HistoryLookup, LimitLookup } from '../../rules/facts.ts';
import { clampToEventYears } from '../../time/calendar.ts';
import { isoTime } from '../../time/iso-time.ts';
import { unpackDecisions } from '../decisions.ts';
import { type SealedEvent, toSealedEvent } from '../encryption/sealed-event.ts';
import { packTextArray, timeRangeParams } from '../pg/params.ts';
import { runPipelined, type Statement } from '../pg/pipeline.ts';
import { type Connection, parsePgTime } from '../pg/pool.ts';
import { CONTENT_BYTES, CONTENT_COLUMNS, FITS, FoundRows, type LeftOutRow } from './fact-bytes.ts';

/** The stored facts that one batch needs; all of one tenant. */
export interface FactsQuery {
  readonly tenantId: string;
  /** Distinct. */
  readonly userIds: readonly string[];
  /** Events to look up: whether they are stored already. */
  readonly events: readonly EventIdentity[];
  readonly history: readonly Lookup<HistoryLookup>[];
  readonly limits: readonly Lookup<LimitLookup>[];
}

export interface Lookup<Need> {
  readonly userId: string;
  readonly need: Need;
}

export interface EventIdentity {
  readonly userId: string;
  readonly eventId: string;
  /** Event time, ISO 8601. */
  readonly at: string;
  readonly key: string;
  /** Whether the caller gave the id: then another event may have the same one. */
  readonly hasCallerId: boolean;
}

/** Stored rows that answer a FactsQuery. A user without a row in `profiles` is new. */
export interface FactRows {
  /** The active catalog versions; 0 if none was applied. */
  readonly active: ActiveVersion;
  /** Whether any wait of the tenant is open; false if no catalog was applied. */
  readonly hasWaits: boolean;
  /** Types of facts that endpoints of webhooks subscribe to; null: none. */
  readonly heardTypes: readonly string[] | null;
  /** Kafka topics that messages are recorded for; null: none. */
  readonly openTopics: readonly string[] | null;
  /** The latest erasure of a user of the tenant; null: none, Infinity: not known. */
  readonly erasedUntil: Millis | null;
  /** Whether users of the tenant were merged. */
  readonly hasMerges: boolean;
  readonly profiles: readonly ProfileRow[];
  /** Decisions on events of the query that are stored already, by index in `query.events`; none beyond MAX_FACT_BYTES. */
  readonly storedDecisions: ReadonlyMap<number, readonly Decision[]>;
  /** Content hashes of the events that are stored under a caller's id of the query, by event key. */
  readonly contentHashes: ReadonlyMap<string, string>;
  readonly latestEvents: readonly LatestEventRow[];
  readonly waitingTriggers: readonly WaitingTriggerRow[];
  /** Triggers that a bound left out. */
  readonly leftOut: readonly LeftOutRow[];
  /** Two look-ups of overlapping ranges return a use twice. */
  readonly limitUses: readonly LimitUseRow[];
}

export interface ProfileRow {
  readonly userId: string;
  /** With addresses masked. */
  readonly profile: Profile;
  /** Size of the traits in characters of JSON; not less than that, if they are sealed. */
  readonly traitsChars: number;
  /** The original of the profile; null if nothing in it is masked but the user's addresses. */
  readonly sealed: Buffer | null;
  /** Keyed hashes of the current addresses, by kind. */
  readonly addressHashes: { readonly [kind: string]: string };
  /** JSON of the terms of the user; empty: they have said nothing. */
  readonly terms: string;
}

/** The latest event of a type in the range asked for. */
export interface LatestEventRow {
  readonly userId: string;
  readonly type: string;
  readonly event: Pick<Event, 'key' | 'eventId' | 'time'>;
}

/** A trigger that came before the earlier event of its pattern: no `earlier` is stored in the `within` ms before it. */
export interface WaitingTriggerRow {
  readonly event: SealedEvent;
  readonly earlier: string;
  readonly within: number;
}

export interface LimitUseRow {
  readonly userId: string;
  readonly limitKey: string;
  readonly use: CountedUse;
}

/** Triggers loaded for one user and pattern, at most; the earliest ones. */
const MAX_WAITING_TRIGGERS = 1000;

/** Uses loaded for one user and look-up, at most. More than any range holds: three days at a limit's maximum of 1000. */
const MAX_USES = 4000;

/** Begins a transaction, waits for the locks of the users, and loads their facts; one round trip. */
export function lockAndLoadFacts(connection: Connection, query: FactsQuery): Promise<FactRows> {
  return load(connection, query, [BEGIN, lockStatement(query.tenantId, query.userIds)]);
}

/** Begins a transaction that reads one snapshot and writes nothing, and loads the facts. */
export async function snapshotAndLoadFacts(connection: Connection, query: FactsQuery): Promise<FactRows> {
  // By itself, so that a connection of the API login sets its tenant.
  await connection.query('begin isolation level repeatable read, read only');
  return loadFacts(connection, query);
}

/** Loads facts in one round trip. */
export function loadFacts(connection: Connection, query: FactsQuery): Promise<FactRows> {
  return load(connection, query, []);
}

async function load(connection: Connection, query: FactsQuery, before: readonly Statement[]): Promise<FactRows> {
  const facts: LoadedRows = {
    active: { version: 0, release: null },
    hasWaits: false,
    heardTypes: null,
    openTopics: null,
    erasedUntil: Number.POSITIVE_INFINITY,
    // Not known without a catalog, as that of the erasures.
    hasMerges: true,
    profiles: [],
    storedDecisions: new Map(),
    contentHashes: new Map(),
    latestEvents: [],
    waitingTriggers: [],
    leftOut: [],
    limitUses: [],
  };
  const readers = buildReaders(query, facts);
  const results = await runPipelined(connection, [...before, ...readers.map(({ statement }) => statement)]);
  readers.forEach(({ read, end }, index) => {
    for (const row of results[before.length + index] as Row[]) read(row);
    end?.();
  });
  return facts;
}

/** Waits for the locks of the users and keeps them until the transaction ends. `lockAndLoadFacts` includes this. */
export async function lockUsers(connection: Connection, tenantId: string, userIds: readonly string[]): Promise<void> {
  await runPipelined(connection, [lockStatement(tenantId, userIds)]);
}

const BEGIN: Statement = { name: 'begin', text: 'begin' };

/** Number of locks that the users of a tenant share; a multiple of the number of shards of a process. */
const USER_LOCKS = 4096;

/**
 * At any time, one batch in all processes decides about a user. Locks are acquired in one order, so that two batches cannot
 * wait for each other. They are a statement of their own, so that the next statement reads what the last holder committed.
 * Users share a bounded number of locks, so that however many batches there are, a tenant cannot fill the lock table of the
 * server, which has room for some 12,000.
 */
function lockStatement(tenantId: string, userIds: readonly string[]): Statement {
  const locks = new Set(userIds.map((userId) => hashText(userId) % USER_LOCKS));
  return { name: 'lock-users', text: LOCK, values: [tenantId, `{${[...locks].join(',')}}`] };
}

const LOCK = `
select pg_advisory_xact_lock(hashtext($1), n) from (select n from unnest($2::integer[]) as n order by n) as ordered`;

/** Returns whether a transaction of any process holds locks of users of this tenant. */
export async function areUsersLocked(connection: Connection, tenantId: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    // A lock with two keys, of which the server shows the first as an unsigned number.
    `select from pg_locks
     where locktype = 'advisory' and objsubid = 2 and classid::bigint = hashtext($1)::bigint & 4294967295
       and database = (select oid from pg_database where datname = current_database())
     limit 1`,
    [tenantId],
  );
  return rowCount !== 0;
}

type LoadedRows = { -readonly [K in keyof FactRows]: Mutable<FactRows[K]> };
type Mutable<T> = T extends readonly (infer One)[] ? One[] : T extends ReadonlyMap<infer K, infer V> ? Map<K, V> : T;

/** A look-up, and where each of its rows goes. */
interface Reader {
  readonly statement: Statement;
  read(row: Row): void;
  /** Called after the last row. */
  end?(): void;
}

/** Columns are never null. The first is mostly the index in the list that was asked for. */
type Row = readonly [string, string, string, string, string, string, string];

/** Only the look-ups that ask for something: a statement that finds nothing costs as much as one that does. */
function buildReaders({ tenantId, userIds, events, history, limits }: FactsQuery, rows: LoadedRows): Reader[] {
  const readers = [readActiveCatalog(tenantId, rows), readProfiles(tenantId, userIds, rows)];
  if (events.length > 0) readers.push(readStoredEvents(tenantId, events, rows));
  const withCallerId = events.filter((event) => event.hasCallerId);
  if (withCallerId.length > 0) readers.push(readKnownIds(tenantId, withCallerId, rows));
  const latest = history.filter(isLatest);
  if (latest.length > 0) readers.push(readLatestEvents(tenantId, latest, rows));
  const waiting = history.filter(isWaiting);
  if (waiting.length > 0) readers.push(readWaitingTriggers(tenantId, waiting, rows));
  if (limits.length > 0) readers.push(readLimitUses(tenantId, limits, rows));
  return readers;
}

function readActiveCatalog(tenantId: string, rows: LoadedRows): Reader {
  return {
    statement: { name: 'active-catalog', text: ACTIVE_CATALOG, values: [tenantId] },
    read([version, hasWaits, heardTypes, erasedUntil, hasMerges, openTopics, release]) {
      rows.active = {
        version: Number(version),
        release: release === '' ? null : (JSON.parse(release) as ReleaseUnderWay),
      };
      rows.hasWaits = hasWaits === 't';
      rows.heardTypes = heardTypes === '' ? null : (JSON.parse(heardTypes) as string[]);
      rows.erasedUntil = erasedUntil === '' ? null : parsePgTime(erasedUntil);
      rows.hasMerges = hasMerges === 't';
      rows.openTopics = openTopics === '' ? null : (JSON.parse(openTopics) as string[]);
    },
  };
}

/** No row: there is no catalog yet, or nothing may be decided. Before the first catalog, no wait can have started. */
const ACTIVE_CATALOG = `
select version, exists (select from waits where tenant_id = $1 and status = 'waiting'),
       coalesce(array_to_json(heard_types)::text, ''), coalesce(erased_until::text, ''), has_merges,
       coalesce(case when open_until > now() then array_to_json(open_topics)::text end, ''), coalesce(release::text, '')
from active_catalogs where tenant_id = $1 and not is_moving`;

function readProfiles(tenantId: string, userIds: readonly string[], rows: LoadedRows): Reader {
  return {
    statement: { name: 'users', text: USERS, values: [tenantId, packTextArray(userIds)] },
    read([index, traits, traitTimes, addressHashes, sealed, terms]) {
      rows.profiles.push({
        userId: userIds[Number(index)] as string,
        profile: { traits: JSON.parse(traits), traitTimes: JSON.parse(traitTimes) },
        traitsChars: Math.max(traits.length, sealed.length),
        addressHashes: JSON.parse(addressHashes),
        sealed: sealed === '' ? null : Buffer.from(sealed, 'base64'),
        terms,
      });
    },
  };
}

/**
 * Like all statements below, a list of look-ups through `unnest … cross join lateral (… limit n)`: each is an index probe,
 * however many there are and however large the tables. A join here may turn into a scan of the whole history, and so may a
 * lateral part without a limit.
 */
const USERS = `
select q.i::int - 1, p.traits, p.trait_times, p.address_hashes, coalesce(encode(p.sealed, 'base64'), ''), coalesce(p.terms::text, '')
from unnest(string_to_array($2, E'\\x1f')) with ordinality as q(user_id, i)
cross join lateral (
  select traits, trait_times, address_hashes, sealed, terms from users where tenant_id = $1 and user_id = q.user_id limit 1
) as p`;

function readStoredEvents(tenantId: string, events: readonly EventIdentity[], rows: LoadedRows): Reader {
  const times = events.map(({ at }) => at);
  const values = [
    tenantId,
    packTextArray(events.map(({ userId }) => userId)),
    packTextArray(times),
    packTextArray(events.map(({ key }) => key)),
    times.reduce((first, at) => (at < first ? at : first)),
    times.reduce((last, at) => (at > last ? at : last)),
  ];
  return {
    statement: { name: 'stored-events', text: STORED_EVENTS, values },
    read([index, decisions]) {
      const { key, eventId } = events[Number(index)] as EventIdentity;
      rows.storedDecisions.set(Number(index), unpackDecisions(JSON.parse(decisions), key, eventId));
    },
  };
}

/**
 * `events` has a partition a month, and setting up a look-up in one costs more than the look-up. The first and the last
 * time asked for ($5, $6) rule out partitions before the statement runs: nearly always all but one or two.
 */
const STORED_EVENTS = `
select i, case when fits then decisions::text else '[]' end
from (
  select q.i::int - 1 as i, e.decisions, ${FITS} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::uuid[])
       with ordinality as q(user_id, event_time, key, i)
  cross join lateral (
    select decisions, octet_length(decisions::text) as bytes, 1 as n from events
    where tenant_id = $1 and user_id = q.user_id and event_time = q.event_time and key = q.key
      and event_time between $5::timestamptz and $6::timestamptz limit 1
  ) as e
) as found`;

function readKnownIds(tenantId: string, events: readonly EventIdentity[], rows: LoadedRows): Reader {
  return {
    statement: { name: 'known-ids', text: KNOWN_IDS, values: [tenantId, packTextArray(events.map(({ key }) => key))] },
    read([index, contentHash]) {
      rows.contentHashes.set((events[Number(index)] as EventIdentity).key, contentHash);
    },
  };
}

const KNOWN_IDS = `
select q.i::int - 1, k.content_hash
from unnest(string_to_array($2, E'\\x1f')::uuid[]) with ordinality as q(key, i)
cross join lateral (
  select content_hash from event_ids where tenant_id = $1 and key = q.key limit 1
) as k`;

function readLatestEvents(tenantId: string, lookups: readonly LookupOf<'latest'>[], rows: LoadedRows): Reader {
  const values = [
    tenantId,
    packTextArray(lookups.map(({ userId }) => userId)),
    packTextArray(lookups.map(({ need }) => need.type)),
    ...timeRangeParams(lookups.map(({ need }) => need)),
  ];
  return {
    statement: { name: 'latest-events', text: LATEST_EVENTS, values },
    read([index, key, eventId, time]) {
      const { userId, need } = lookups[Number(index)] as LookupOf<'latest'>;
      rows.latestEvents.push({ userId, type: need.type, event: { key, eventId, time: parsePgTime(time) } });
    },
  };
}

const LATEST_EVENTS = `
select q.i::int - 1, e.key, coalesce(e.event_id, e.key::text), e.event_time
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::timestamptz[])
     with ordinality as q(user_id, type, lo, hi, i)
cross join lateral (
  select key, event_id, event_time from events
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
    and event_time between $6::timestamptz and $7::timestamptz
  order by event_time desc, key desc limit 1
) as e`;

function readWaitingTriggers(tenantId: string, lookups: readonly LookupOf<'waiting'>[], rows: LoadedRows): Reader {
  const first = lookups.reduce((least, { need }) => Math.min(least, need.from - need.within), Number.POSITIVE_INFINITY);
  const last = lookups.reduce((greatest, { need }) => Math.max(greatest, need.to), Number.NEGATIVE_INFINITY);
  const values = [
    tenantId,
    packTextArray(lookups.map(({ userId }) => userId)),
    packTextArray(lookups.map(({ need }) => need.type)),
    packTextArray(lookups.map(({ need }) => isoTime(need.from))),
    packTextArray(lookups.map(({ need }) => isoTime(need.to))),
    packTextArray(lookups.map(({ need }) => need.earlier)),
    packTextArray(lookups.map(({ need }) => String(need.within))),
    isoTime(clampToEventYears(first)),
    isoTime(last),
  ];
  const found = new FoundRows();
  return {
    statement: { name: 'waiting-triggers', text: WAITING_TRIGGERS, values },
    read([index, key, eventId, at, content]) {
      found.count(Number(index), content !== '');
      if (content === '') return;
      const { userId, need } = lookups[Number(index)] as LookupOf<'waiting'>;
      const { type, earlier, within } = need;
      const [properties, traits, text, excerpt, context] = JSON.parse(content) as StoredContent;
      const sealed = text === null ? null : Buffer.from(text, 'base64');
      const event = { tenantId, userId, eventId, key, type, time: parsePgTime(at) };
      const stored = toSealedEvent(event, { properties, traits, sealed, excerpt, context });
      rows.waitingTriggers.push({ event: stored, earlier, within });
    },
    end() {
      const asked = lookups.map(({ userId, need }) => ({ userId, type: need.type }));
      rows.leftOut.push(...found.listLeftOut(asked, MAX_WAITING_TRIGGERS));
    },
  };
}

type StoredContent = [
  JsonObject | null,
  JsonObject | null,
  sealed: string | null,
  Excerpt | null,
  context: JsonObject | null,
];

const WAITING_TRIGGERS = `
select i, key, event_id, event_time,
       case when fits then json_build_array(properties, traits, encode(sealed, 'base64'), excerpt, context)::text else '' end
from (
  select q.i::int - 1 as i, e.*, ${FITS} as fits
  from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::timestamptz[], string_to_array($6, E'\\x1f'), string_to_array($7, E'\\x1f')::float8[])
       with ordinality as q(user_id, type, lo, hi, earlier, within, i)
  cross join lateral (
    select key, coalesce(event_id, key::text) as event_id, event_time, ${CONTENT_COLUMNS}, ${CONTENT_BYTES} as bytes,
           row_number() over (order by event_time) as n
    from events as b
    where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
      and event_time between $8::timestamptz and $9::timestamptz
      and not exists (
        select from events as a
        where a.tenant_id = $1 and a.user_id = q.user_id and a.event_type = q.earlier and a.key <> b.key
          and a.event_time between b.event_time - q.within * interval '1 millisecond' and b.event_time
          and a.event_time between $8::timestamptz and $9::timestamptz
      )
    order by event_time limit ${MAX_WAITING_TRIGGERS}
  ) as e
) as found`;

function readLimitUses(tenantId: string, limits: readonly Lookup<LimitLookup>[], rows: LoadedRows): Reader {
  const values = [
    tenantId,
    packTextArray(limits.map(({ userId }) => userId)),
    packTextArray(limits.map(({ need }) => need.limitKey)),
    packTextArray(limits.map(({ need }) => need.from)),
    packTextArray(limits.map(({ need }) => need.to)),
  ];
  return {
    statement: { name: 'limit-uses', text: LIMIT_USES, values },
    read([index, bucket, slot, time, eventId, notificationId]) {
      const { userId, need } = limits[Number(index)] as Lookup<LimitLookup>;
      const use = { bucket, slot: Number(slot), at: parsePgTime(time), eventId, notificationId };
      rows.limitUses.push({ userId, limitKey: need.limitKey, use });
    },
  };
}

const LIMIT_USES = `
select q.i::int - 1, u.bucket, u.slot, u.event_time, u.event_id, u.notification_id
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f'), string_to_array($5, E'\\x1f'))
     with ordinality as q(user_id, limit_key, lo, hi, i)
cross join lateral (
  select bucket, slot, event_time, event_id, notification_id from limit_uses
  where tenant_id = $1 and user_id = q.user_id and limit_key = q.limit_key and bucket between q.lo and q.hi
  order by bucket, slot limit ${MAX_USES}
) as u`;

type LookupOf<Kind> = Lookup<Extract<HistoryLookup, { kind: Kind }>>;

function isLatest(lookup: FactsQuery['history'][number]): lookup is LookupOf<'latest'> {
  return lookup.need.kind === 'latest';
}

function isWaiting(lookup: FactsQuery['history'][number]): lookup is LookupOf<'waiting'> {
  return lookup.need.kind === 'waiting';
}
