import type { Decision } from '../model/decision.ts';
import type { JsonObject } from '../model/event.ts';
import {
  type HistoryLookup,
  type LimitLookup,
  mergeEvent,
  mergeUse,
  newUserState,
  patternKey,
  type UserState,
} from '../rules/facts.ts';
import { clampToEventYears } from '../time/calendar.ts';
import { isoTime } from '../time/iso-time.ts';
import { unpackDecisions } from './decisions.ts';
import { packTextArray, timeRangeParams } from './pg/params.ts';
import { runPipelined, type Statement } from './pg/pipeline.ts';
import { type Connection, parsePgTime } from './pg/pool.ts';

/** What a batch asks of the database: all of one tenant. */
export interface FactsQuery {
  readonly tenantId: string;
  /** Distinct. */
  readonly userIds: readonly string[];
  /** Events to look up: are they stored already? */
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
  /** ISO 8601 */
  readonly at: string;
  readonly key: string;
  /** The caller gave the id: it may be known from another event. */
  readonly hasCallerId: boolean;
}

export interface Facts {
  /** The catalog version in force; 0 when none was applied. */
  readonly catalogVersion: number;
  readonly users: ReadonlyMap<string, UserState>;
  /** Keyed hashes of the present addresses, by user id and kind. */
  readonly addressHashes: ReadonlyMap<string, { readonly [kind: string]: string }>;
  /** Events of the query that are stored already, by their place in it. */
  readonly stored: ReadonlyMap<number, readonly Decision[]>;
  /** Content hashes of the caller's ids that are known, by event key. */
  readonly contentHashes: ReadonlyMap<string, string>;
  /** Somebody of the tenant waits for something. */
  readonly hasWaits: boolean;
}

/** Triggers kept waiting for the earlier half of their pattern, for one person and pattern. */
const MAX_WAITING = 1000;

/** More than any span can hold: three days of a limit's maximum of 1000 each. */
const MAX_USES = 4000;

/** Begins, waits until the people are this batch's alone, and loads everything it needs: one round trip. */
export function lockAndLoadFacts(connection: Connection, query: FactsQuery): Promise<Facts> {
  return load(connection, query, [BEGIN, lockStatement(query.tenantId, query.userIds)]);
}

/** Everything the batch needs, in one round trip. */
export function loadFacts(connection: Connection, query: FactsQuery): Promise<Facts> {
  return load(connection, query, []);
}

async function load(connection: Connection, query: FactsQuery, before: readonly Statement[]): Promise<Facts> {
  const facts: Known = {
    catalogVersion: 0,
    users: new Map(query.userIds.map((userId) => [userId, newUserState(userId)])),
    addressHashes: new Map(),
    stored: new Map(),
    contentHashes: new Map(),
    hasWaits: false,
  };
  const lookUps = lookUpsOf(query, facts);
  const answers = await runPipelined(connection, [...before, ...lookUps.map(({ statement }) => statement)]);
  lookUps.forEach(({ read }, place) => {
    for (const row of answers[before.length + place] as Row[]) read(row);
  });
  return facts;
}

/** Part of `lockAndLoadFacts`. */
export async function lockUsers(connection: Connection, tenantId: string, userIds: readonly string[]): Promise<void> {
  await runPipelined(connection, [lockStatement(tenantId, userIds)]);
}

const BEGIN: Statement = { name: 'begin', text: 'begin' };

/**
 * Only one batch at a time decides about a person, in whichever process. Locks are taken in one order, so that two
 * batches cannot wait for each other; a statement of its own, so that what follows reads what the other one committed.
 * A batch has at most about 1000 people: the server's default lock table holds ten times that.
 */
function lockStatement(tenantId: string, userIds: readonly string[]): Statement {
  return { name: 'lock-users', text: LOCK, values: [tenantId, packTextArray(userIds)] };
}

const LOCK = `
select pg_advisory_xact_lock(h) from (
  select distinct hashtextextended(u, hashtextextended($1, 0)) as h from unnest(string_to_array($2, E'\\x1f')) as u
  order by 1
) as ordered`;

/** While they are gathered. */
interface Known {
  catalogVersion: number;
  readonly users: Map<string, UserState>;
  readonly addressHashes: Map<string, { [kind: string]: string }>;
  readonly stored: Map<number, readonly Decision[]>;
  readonly contentHashes: Map<string, string>;
  hasWaits: boolean;
}

/** A question, and where each row of its answer goes. */
interface LookUp {
  readonly statement: Statement;
  read(row: Row): void;
}

/** None of their columns is ever null. The first is mostly the place in the list that was asked for. */
type Row = readonly [string, string, string, string, string, string];

/** Only what there is to look up: a statement that finds nothing costs as much as one that does. */
function lookUpsOf({ tenantId, userIds, events, history, limits }: FactsQuery, facts: Known): LookUp[] {
  const lookUps = [activeCatalog(tenantId, facts), users(tenantId, userIds, facts)];
  if (events.length > 0) lookUps.push(storedEvents(tenantId, events, facts));
  const named = events.filter((event) => event.hasCallerId);
  if (named.length > 0) lookUps.push(knownIds(tenantId, named, facts));
  const latest = history.filter(isLatest);
  if (latest.length > 0) lookUps.push(latestEvents(tenantId, latest, facts));
  const waiting = history.filter(isWaiting);
  if (waiting.length > 0) lookUps.push(waitingTriggers(tenantId, waiting, facts));
  if (limits.length > 0) lookUps.push(limitUses(tenantId, limits, facts));
  return lookUps;
}

function activeCatalog(tenantId: string, facts: Known): LookUp {
  return {
    statement: { name: 'active-catalog', text: ACTIVE_CATALOG, values: [tenantId] },
    read([version, hasWaits]) {
      facts.catalogVersion = Number(version);
      facts.hasWaits = hasWaits === 't';
    },
  };
}

/** Without a catalog nobody has begun to wait. */
const ACTIVE_CATALOG = `
select version, exists (select from waits where tenant_id = $1 and status = 'waiting')
from active_catalogs where tenant_id = $1`;

function users(tenantId: string, userIds: readonly string[], facts: Known): LookUp {
  return {
    statement: { name: 'users', text: PEOPLE, values: [tenantId, packTextArray(userIds)] },
    read([place, traits, traitTimes, addressHashes]) {
      const userId = userIds[Number(place)] as string;
      getUser(facts, userId).profile = { traits: JSON.parse(traits), traitTimes: JSON.parse(traitTimes) };
      facts.addressHashes.set(userId, JSON.parse(addressHashes));
    },
  };
}

/**
 * Like all that follow, a list of look-ups through `unnest … cross join lateral`, so that every one is an index probe,
 * however many there are and however large the tables: a join here may turn into a scan of the whole history, and so may
 * a lateral part without a limit.
 */
const PEOPLE = `
select q.i::int - 1, p.traits, p.trait_times, p.address_hashes
from unnest(string_to_array($2, E'\\x1f')) with ordinality as q(user_id, i)
cross join lateral (
  select traits, trait_times, address_hashes from users where tenant_id = $1 and user_id = q.user_id limit 1
) as p`;

function storedEvents(tenantId: string, events: readonly EventIdentity[], facts: Known): LookUp {
  const times = events.map(({ at }) => at);
  const values = [
    tenantId,
    packTextArray(events.map(({ userId }) => userId)),
    packTextArray(times),
    packTextArray(events.map(({ key }) => key)),
    times.reduce((least, at) => (at < least ? at : least)),
    times.reduce((greatest, at) => (at > greatest ? at : greatest)),
  ];
  return {
    statement: { name: 'stored-events', text: STORED_EVENTS, values },
    read([place, decisions]) {
      const { key, eventId } = events[Number(place)] as EventIdentity;
      facts.stored.set(Number(place), unpackDecisions(JSON.parse(decisions), key, eventId));
    },
  };
}

/**
 * `events` has a partition a month, and setting up a look-up in one costs more than the look-up. The first and the last
 * moment of all that is asked for say beforehand which partitions are not needed: nearly always all but one or two.
 */
const STORED_EVENTS = `
select q.i::int - 1, e.decisions
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f')::timestamptz[], string_to_array($4, E'\\x1f')::uuid[])
     with ordinality as q(user_id, event_time, key, i)
cross join lateral (
  select decisions from events
  where tenant_id = $1 and user_id = q.user_id and event_time = q.event_time and key = q.key
    and event_time between $5::timestamptz and $6::timestamptz limit 1
) as e`;

function knownIds(tenantId: string, named: readonly EventIdentity[], facts: Known): LookUp {
  return {
    statement: { name: 'known-ids', text: KNOWN_IDS, values: [tenantId, packTextArray(named.map(({ key }) => key))] },
    read([place, contentHash]) {
      facts.contentHashes.set((named[Number(place)] as EventIdentity).key, contentHash);
    },
  };
}

const KNOWN_IDS = `
select q.i::int - 1, k.content_hash
from unnest(string_to_array($2, E'\\x1f')::uuid[]) with ordinality as q(key, i)
cross join lateral (
  select content_hash from event_ids where tenant_id = $1 and key = q.key limit 1
) as k`;

function latestEvents(tenantId: string, asked: readonly Asked<'latest'>[], facts: Known): LookUp {
  const values = [
    tenantId,
    packTextArray(asked.map(({ userId }) => userId)),
    packTextArray(asked.map(({ need }) => need.type)),
    ...timeRangeParams(asked.map(({ need }) => need)),
  ];
  return {
    statement: { name: 'latest-events', text: LATEST_EVENTS, values },
    read([place, key, eventId, time]) {
      const { userId, need } = asked[Number(place)] as Asked<'latest'>;
      mergeEvent(getUser(facts, userId), need.type, { key, eventId, time: parsePgTime(time) });
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
  order by event_time desc limit 1
) as e`;

function waitingTriggers(tenantId: string, asked: readonly Asked<'waiting'>[], facts: Known): LookUp {
  const least = asked.reduce((so, { need }) => Math.min(so, need.from - need.within), Number.POSITIVE_INFINITY);
  const values = [
    tenantId,
    packTextArray(asked.map(({ userId }) => userId)),
    packTextArray(asked.map(({ need }) => need.type)),
    packTextArray(asked.map(({ need }) => isoTime(need.from))),
    packTextArray(asked.map(({ need }) => isoTime(need.to))),
    packTextArray(asked.map(({ need }) => need.earlier)),
    packTextArray(asked.map(({ need }) => String(need.within))),
    isoTime(clampToEventYears(least)),
    isoTime(asked.reduce((greatest, { need }) => Math.max(greatest, need.to), Number.NEGATIVE_INFINITY)),
  ];
  return {
    statement: { name: 'waiting-triggers', text: WAITING_TRIGGERS, values },
    read([place, key, eventId, at, content]) {
      const { userId, need } = asked[Number(place)] as Asked<'waiting'>;
      const { type, earlier, within } = need;
      const [properties, traits] = JSON.parse(content) as [JsonObject, JsonObject];
      const time = parsePgTime(at);
      mergeEvent(getUser(facts, userId), type, {
        key,
        eventId,
        time,
        event: { tenantId, userId, eventId, key, type, time, properties, traits },
        waitsFor: new Set([patternKey(earlier, within)]),
      });
    },
  };
}

const WAITING_TRIGGERS = `
select q.i::int - 1, e.key, coalesce(e.event_id, e.key::text), e.event_time, json_build_array(e.properties, e.traits)
from unnest(string_to_array($2, E'\\x1f'), string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::timestamptz[], string_to_array($6, E'\\x1f'), string_to_array($7, E'\\x1f')::float8[])
     with ordinality as q(user_id, type, lo, hi, earlier, within, i)
cross join lateral (
  select key, event_id, event_time, properties, traits from events as b
  where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
    and event_time between $8::timestamptz and $9::timestamptz
    and not exists (
      select from events as a
      where a.tenant_id = $1 and a.user_id = q.user_id and a.event_type = q.earlier and a.key <> b.key
        and a.event_time between b.event_time - q.within * interval '1 millisecond' and b.event_time
        and a.event_time between $8::timestamptz and $9::timestamptz
    )
  order by event_time limit ${MAX_WAITING}
) as e`;

function limitUses(tenantId: string, limits: readonly Lookup<LimitLookup>[], facts: Known): LookUp {
  const values = [
    tenantId,
    packTextArray(limits.map(({ userId }) => userId)),
    packTextArray(limits.map(({ need }) => need.limitKey)),
    packTextArray(limits.map(({ need }) => need.from)),
    packTextArray(limits.map(({ need }) => need.to)),
  ];
  return {
    statement: { name: 'limit-uses', text: LIMIT_USES, values },
    read([place, bucket, slot, time, eventId, notificationId]) {
      const { userId, need } = limits[Number(place)] as Lookup<LimitLookup>;
      const use = { bucket, slot: Number(slot), at: parsePgTime(time), eventId, notificationId };
      // Two events of the batch may ask for overlapping spans of one limit.
      mergeUse(getUser(facts, userId), need.limitKey, use);
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

function getUser(facts: Known, userId: string): UserState {
  return facts.users.get(userId) as UserState;
}

type Asked<Kind> = Lookup<Extract<HistoryLookup, { kind: Kind }>>;

function isLatest(asked: FactsQuery['history'][number]): asked is Asked<'latest'> {
  return asked.need.kind === 'latest';
}

function isWaiting(asked: FactsQuery['history'][number]): asked is Asked<'waiting'> {
  return asked.need.kind === 'waiting';
}

/** A trait of an event that would change the profile. */
export interface TraitConflict {
  readonly user: UserState;
  readonly trait: string;
  /** Event time (ISO 8601) of the event that would change it. */
  readonly at: string;
}

/**
 * A profile is written when a value changes, not when an event says the same again: its trait times may be older than the
 * latest event that said so. Where an event would change a value, this looks for a later event that named the trait, and
 * brings the time up to it; so a late event does not win over what was said after it.
 */
export async function refreshTraitTimes(
  connection: Connection,
  tenantId: string,
  contested: readonly TraitConflict[],
): Promise<void> {
  if (contested.length === 0) return;
  const values = [
    tenantId,
    packTextArray(contested.map(({ user }) => user.userId)),
    packTextArray(contested.map(({ at }) => at)),
    JSON.stringify(contested.map(({ trait }) => trait)),
    contested.reduce((least, { at }) => (at < least ? at : least), (contested[0] as TraitConflict).at),
  ];
  const [rows = []] = await runPipelined(connection, [{ name: 'refresh-trait-times', text: CONFIRM, values }]);
  for (const [place, at] of rows) {
    const { user: person, trait } = contested[Number(place)] as TraitConflict;
    const time = parsePgTime(at as string);
    const { traits, traitTimes } = person.profile;
    if (time > (traitTimes[trait] ?? Number.NEGATIVE_INFINITY)) {
      person.profile = { traits, traitTimes: { ...traitTimes, [trait]: time } };
    }
  }
}

const CONFIRM = `
select q.i::int - 1, e.event_time
from rows from (
  unnest(string_to_array($2, E'\\x1f')),
  unnest(string_to_array($3, E'\\x1f')::timestamptz[]),
  json_array_elements_text($4)
) with ordinality as q(user_id, at, trait, i)
cross join lateral (
  select event_time from events
  where tenant_id = $1 and user_id = q.user_id and event_time >= q.at and event_time >= $5::timestamptz
    and traits -> q.trait is not null
  order by event_time desc limit 1
) as e`;
