import type { Decision, JsonObject, Millis } from '../model.ts';
import {
  type CountedUse,
  type HistoryNeed,
  type KnownEvent,
  type LimitNeed,
  type PersonFacts,
  patternKey,
  remember,
  stranger,
} from '../rules/facts.ts';
import { type Connection, parseTimestamp, timestamp } from './database.ts';
import { unpackDecisions } from './decisions.ts';
import { runTogether, type Statement } from './round-trip.ts';

/** What a batch asks of the database: all of one tenant. */
export interface FactsQuery {
  readonly tenantId: string;
  /** Distinct. */
  readonly userIds: readonly string[];
  /** Events to look up: are they stored already? */
  readonly events: readonly EventIdentity[];
  readonly history: readonly { readonly userId: string; readonly need: HistoryNeed }[];
  readonly limits: readonly { readonly userId: string; readonly need: LimitNeed }[];
}

export interface EventIdentity {
  readonly userId: string;
  readonly eventId: string;
  /** ISO 8601 */
  readonly at: string;
  readonly key: string;
  /** The caller gave the id: it may be known from another event. */
  readonly named: boolean;
}

export interface Facts {
  /** The catalog version in force; 0 when none was applied. */
  readonly catalogVersion: number;
  readonly people: ReadonlyMap<string, PersonFacts>;
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
export async function lockAndLoadFacts(connection: Connection, query: FactsQuery): Promise<Facts> {
  const statements = [BEGIN, lockStatement(query.tenantId, query.userIds), factsStatement(query)];
  const [, , rows] = await runTogether(connection, statements);
  return readFacts(query, rows as Row[]);
}

/** Everything the batch needs, in one statement: see FACTS. */
export async function loadFacts(connection: Connection, query: FactsQuery): Promise<Facts> {
  const [rows] = await runTogether(connection, [factsStatement(query)]);
  return readFacts(query, rows as Row[]);
}

/** Part of `lockAndLoadFacts`. */
export async function lockPeople(connection: Connection, tenantId: string, userIds: readonly string[]): Promise<void> {
  await runTogether(connection, [lockStatement(tenantId, userIds)]);
}

const BEGIN: Statement = { name: 'begin', text: 'begin' };

/**
 * Only one batch at a time decides about a person, in whichever process. Locks are taken in one order, so that two
 * batches cannot wait for each other; a statement of its own, so that what follows reads what the other one committed.
 * A batch has at most about 1000 people: the server's default lock table holds ten times that.
 */
function lockStatement(tenantId: string, userIds: readonly string[]): Statement {
  return { name: 'lock-people', text: LOCK, values: [tenantId, list(userIds)] };
}

const LOCK = `
select pg_advisory_xact_lock(h) from (
  select distinct hashtextextended(u, hashtextextended($1, 0)) as h from unnest(string_to_array($2, E'\\x1f')) as u
  order by 1
) as ordered`;

function factsStatement({ tenantId, userIds, events, history, limits }: FactsQuery): Statement {
  const latest = history.filter(isLatest);
  const waiting = history.filter(isWaiting);
  return {
    name: 'facts',
    text: FACTS,
    values: [
      tenantId,
      list(userIds),
      list(events.map((event) => event.userId)),
      list(events.map((event) => event.at)),
      list(events.map((event) => event.key)),
      list(events.filter((event) => event.named).map((event) => event.key)),
      list(latest.map(({ userId }) => userId)),
      list(latest.map(({ need }) => need.type)),
      list(latest.map(({ need }) => timestamp(need.from))),
      list(latest.map(({ need }) => timestamp(need.to))),
      list(waiting.map(({ userId }) => userId)),
      list(waiting.map(({ need }) => need.type)),
      list(waiting.map(({ need }) => timestamp(need.from))),
      list(waiting.map(({ need }) => timestamp(need.to))),
      list(waiting.map(({ need }) => need.earlier)),
      list(waiting.map(({ need }) => String(need.within))),
      list(limits.map(({ userId }) => userId)),
      list(limits.map(({ need }) => need.limitKey)),
      list(limits.map(({ need }) => need.from)),
      list(limits.map(({ need }) => need.to)),
    ],
  };
}

function readFacts(query: FactsQuery, rows: readonly Row[]): Facts {
  const { tenantId, userIds, events, history, limits } = query;
  const named = events.filter((event) => event.named);
  const latest = history.filter(isLatest);
  const waiting = history.filter(isWaiting);
  let catalogVersion = 0;
  let hasWaits = false;
  const people = new Map(userIds.map((userId) => [userId, stranger(userId)]));
  const personOf = (userId: string) => people.get(userId) as PersonFacts;
  const addressHashes = new Map<string, { [kind: string]: string }>();
  const stored = new Map<number, readonly Decision[]>();
  const contentHashes = new Map<string, string>();
  for (const [kind, place, a, b, c, time, slot] of rows) {
    const i = Number(place);
    switch (kind) {
      case 'catalog':
        catalogVersion = i;
        break;
      case 'waits':
        hasWaits = true;
        break;
      case 'person': {
        const userId = userIds[i] as string;
        personOf(userId).profile = { traits: JSON.parse(a), traitTimes: JSON.parse(b) };
        addressHashes.set(userId, JSON.parse(c));
        break;
      }
      case 'stored': {
        const { key, eventId } = events[i] as EventIdentity;
        stored.set(i, unpackDecisions(JSON.parse(a), key, eventId));
        break;
      }
      case 'id':
        contentHashes.set((named[i] as EventIdentity).key, a);
        break;
      case 'latest': {
        const { userId, need } = latest[i] as (typeof latest)[number];
        const person = personOf(userId);
        if (!person.known.get(need.type)?.some((known) => known.key === a)) {
          remember(person, need.type, { key: a, eventId: b, time: parseTimestamp(time) });
        }
        break;
      }
      case 'waiting': {
        const { userId, need } = waiting[i] as (typeof waiting)[number];
        rememberWaiting(personOf(userId), tenantId, need, a, b, JSON.parse(c), parseTimestamp(time));
        break;
      }
      case 'use': {
        const { userId, need } = limits[i] as FactsQuery['limits'][number];
        const [eventId, notificationId] = JSON.parse(b) as [string, string];
        const use = { bucket: a, slot: Number(slot), at: parseTimestamp(time), eventId, notificationId };
        rememberUse(personOf(userId), need.limitKey, use);
      }
    }
  }
  return { catalogVersion, people, addressHashes, stored, contentHashes, hasWaits };
}

type Asked<Kind> = { readonly userId: string; readonly need: Extract<HistoryNeed, { kind: Kind }> };

function isLatest(asked: FactsQuery['history'][number]): asked is Asked<'latest'> {
  return asked.need.kind === 'latest';
}

function isWaiting(asked: FactsQuery['history'][number]): asked is Asked<'waiting'> {
  return asked.need.kind === 'waiting';
}

/** Two events of the batch may ask for overlapping spans of one limit. */
function rememberUse(person: PersonFacts, limitKey: string, use: CountedUse): void {
  const known = person.uses.get(limitKey);
  if (!known) person.uses.set(limitKey, [use]);
  else if (!known.some(({ bucket, slot }) => bucket === use.bucket && slot === use.slot)) known.push(use);
}

/** A trait of an event that would change the profile. */
export interface ContestedTrait {
  readonly person: PersonFacts;
  readonly trait: string;
  /** Event time (ISO 8601) of the event that would change it. */
  readonly at: string;
}

/**
 * A profile is written when a value changes, not when an event says the same again: its trait times may be older than the
 * latest event that said so. Where an event would change a value, this looks for a later event that named the trait, and
 * brings the time up to it; so a late event does not win over what was said after it.
 */
export async function confirmTraitTimes(
  connection: Connection,
  tenantId: string,
  contested: readonly ContestedTrait[],
): Promise<void> {
  if (contested.length === 0) return;
  const values = [
    tenantId,
    list(contested.map(({ person }) => person.userId)),
    list(contested.map(({ at }) => at)),
    JSON.stringify(contested.map(({ trait }) => trait)),
  ];
  const [rows = []] = await runTogether(connection, [{ name: 'confirm-trait-times', text: CONFIRM, values }]);
  for (const [place, at] of rows) {
    const { person, trait } = contested[Number(place)] as ContestedTrait;
    const time = parseTimestamp(at as string);
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
  where tenant_id = $1 and user_id = q.user_id and event_time >= q.at and traits -> q.trait is not null
  order by event_time desc limit 1
) as e`;

/**
 * An array as one text: the driver quotes arrays element by element, which costs more than the look-up itself. Ids, types
 * and rule names hold no control characters, so U+001F parts them; nothing at all is the empty array.
 */
function list(texts: readonly string[]): string {
  return texts.join('\x1f');
}

/** As FACTS says; what a kind has no use for is null. */
type Row = [kind: string, place: string, a: string, b: string, c: string, time: string, slot: string];

function rememberWaiting(
  person: PersonFacts,
  tenantId: string,
  need: Extract<HistoryNeed, { kind: 'waiting' }>,
  key: string,
  eventId: string,
  [properties, traits]: [JsonObject, JsonObject],
  time: Millis,
): void {
  const pattern = patternKey(need.earlier, need.within);
  const list = person.known.get(need.type);
  const at = list?.findIndex((known) => known.key === key) ?? -1;
  const before = list?.[at];
  const known: KnownEvent = {
    key,
    eventId,
    time,
    event: { tenantId, userId: person.userId, eventId, key, type: need.type, time, properties, traits },
    waitsFor: new Set([...(before?.waitsFor ?? []), pattern]),
  };
  if (list && at >= 0) list[at] = known;
  else remember(person, need.type, known);
}

/**
 * Each part is a list of look-ups through `unnest … cross join lateral`, so that every one is an index probe, however
 * many there are and however large the tables: a join here may turn into a scan of the whole history, and so may a
 * lateral part without a limit.
 * Columns: kind, place in the list, three texts, a time, a number.
 */
const FACTS = `
select 'catalog', version, null::text, null::text, null::text, null::timestamptz, null::int
  from active_catalogs where tenant_id = $1
union all
select 'waits', 1, null, null, null, null, null
  from (select from waits where tenant_id = $1 and status = 'waiting' limit 1) as w
union all
select 'person', q.i::int - 1, p.traits::text, p.trait_times::text, p.address_hashes::text, null, null
  from unnest(string_to_array($2, E'\\x1f')) with ordinality as q(user_id, i)
  cross join lateral (
    select * from users where tenant_id = $1 and user_id = q.user_id limit 1
  ) as p
union all
select 'stored', q.i::int - 1, e.decisions::text, null, null, null, null
  from unnest(string_to_array($3, E'\\x1f'), string_to_array($4, E'\\x1f')::timestamptz[], string_to_array($5, E'\\x1f')::uuid[]) with ordinality as q(user_id, event_time, key, i)
  cross join lateral (
    select decisions from events
    where tenant_id = $1 and user_id = q.user_id and event_time = q.event_time and key = q.key limit 1
  ) as e
union all
select 'id', q.i::int - 1, k.content_hash::text, null, null, null, null
  from unnest(string_to_array($6, E'\\x1f')::uuid[]) with ordinality as q(key, i)
  cross join lateral (
    select content_hash from event_keys where tenant_id = $1 and key = q.key limit 1
  ) as k
union all
select 'latest', q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text), null, e.event_time, null
  from unnest(string_to_array($7, E'\\x1f'), string_to_array($8, E'\\x1f'), string_to_array($9, E'\\x1f')::timestamptz[], string_to_array($10, E'\\x1f')::timestamptz[]) with ordinality as q(user_id, type, lo, hi, i)
  cross join lateral (
    select key, event_id, event_time from events
    where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
    order by event_time desc limit 1
  ) as e
union all
select 'waiting', q.i::int - 1, e.key::text, coalesce(e.event_id, e.key::text),
       json_build_array(e.properties, e.traits)::text, e.event_time, null
  from unnest(string_to_array($11, E'\\x1f'), string_to_array($12, E'\\x1f'), string_to_array($13, E'\\x1f')::timestamptz[], string_to_array($14, E'\\x1f')::timestamptz[], string_to_array($15, E'\\x1f'), string_to_array($16, E'\\x1f')::float8[])
       with ordinality as q(user_id, type, lo, hi, earlier, within, i)
  cross join lateral (
    select key, event_id, event_time, properties, traits from events as b
    where tenant_id = $1 and user_id = q.user_id and event_time between q.lo and q.hi and event_type = q.type
      and not exists (
        select from events as a
        where a.tenant_id = $1 and a.user_id = q.user_id and a.event_type = q.earlier and a.key <> b.key
          and a.event_time between b.event_time - q.within * interval '1 millisecond' and b.event_time
      )
    order by event_time limit ${MAX_WAITING}
  ) as e
union all
select 'use', q.i::int - 1, u.bucket, json_build_array(u.event_id, u.notification_id)::text, null, u.event_time, u.slot
  from unnest(string_to_array($17, E'\\x1f'), string_to_array($18, E'\\x1f'), string_to_array($19, E'\\x1f'), string_to_array($20, E'\\x1f')) with ordinality as q(user_id, limit_key, lo, hi, i)
  cross join lateral (
    select bucket, slot, event_time, event_id, notification_id from limit_uses
    where tenant_id = $1 and user_id = q.user_id and limit_key = q.limit_key and bucket between q.lo and q.hi
    order by bucket, slot limit ${MAX_USES}
  ) as u`;
