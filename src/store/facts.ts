import type { Decision, JsonObject, Millis } from '../model.ts';
import {
  type HistoryNeed,
  type KnownEvent,
  type LimitNeed,
  type PersonFacts,
  patternKey,
  remember,
  stranger,
} from '../rules/facts.ts';
import { type Connection, timestamp } from './database.ts';
import { unpackDecisions } from './decisions.ts';

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
}

/** Triggers kept waiting for the earlier half of their pattern, for one person and pattern. */
const MAX_WAITING = 1000;

/** More than any span can hold: three days of a limit's maximum of 1000 each. */
const MAX_USES = 4000;

/**
 * Only one batch at a time decides about a person, in whichever process. Locks are taken in one order, so that two
 * batches cannot wait for each other; a statement of its own, so that what follows reads what the other one committed.
 * A batch has at most about 1000 people: the server's default lock table holds ten times that.
 */
export async function lockPeople(connection: Connection, tenantId: string, userIds: readonly string[]): Promise<void> {
  await connection.query({
    name: 'lock-people',
    text: `select pg_advisory_xact_lock(h) from (
             select distinct hashtextextended(u, hashtextextended($1, 0)) as h from unnest(string_to_array($2, E'\\x1f')) as u order by 1
           ) as ordered`,
    values: [tenantId, list(userIds)],
  });
}

/** Everything the batch needs, in one statement: see FACTS. */
export async function loadFacts(connection: Connection, query: FactsQuery): Promise<Facts> {
  const { userIds, events, history, limits } = query;
  const named = events.filter((event) => event.named);
  const latest = history.filter(({ need }) => need.kind === 'latest');
  const waiting = history.flatMap(({ userId, need }) => (need.kind === 'waiting' ? [{ userId, need }] : []));
  const { rows } = await connection.query<Row>({
    name: 'facts',
    text: FACTS,
    rowMode: 'array',
    values: [
      query.tenantId,
      list(userIds),
      list(events.map((event) => event.userId)),
      list(events.map((event) => event.at)),
      list(events.map((event) => event.key)),
      list(named.map((event) => event.key)),
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
    // node-postgres types rows of rowMode 'array' as objects
  } as unknown as string);

  let catalogVersion = 0;
  const people = new Map(userIds.map((userId) => [userId, stranger(userId)]));
  const addressHashes = new Map<string, { [kind: string]: string }>();
  const stored = new Map<number, readonly Decision[]>();
  const contentHashes = new Map<string, string>();
  for (const [kind, i, a, b, c, time, slot] of rows) {
    switch (kind) {
      case 'catalog':
        catalogVersion = i;
        break;
      case 'person': {
        const userId = userIds[i] as string;
        (people.get(userId) as PersonFacts).profile = { traits: JSON.parse(a), traitTimes: JSON.parse(b) };
        addressHashes.set(userId, JSON.parse(c));
        break;
      }
      case 'stored':
        stored.set(
          i,
          unpackDecisions(JSON.parse(a), (events[i] as EventIdentity).key, (events[i] as EventIdentity).eventId),
        );
        break;
      case 'id':
        contentHashes.set((named[i] as { key: string }).key, a);
        break;
      case 'latest': {
        const { userId, need } = latest[i] as FactsQuery['history'][number];
        const person = people.get(userId) as PersonFacts;
        if (!person.known.get(need.type)?.some((known) => known.key === a)) {
          remember(person, need.type, { key: a, eventId: b, time });
        }
        break;
      }
      case 'waiting': {
        const { userId, need } = waiting[i] as (typeof waiting)[number];
        rememberWaiting(people.get(userId) as PersonFacts, query.tenantId, need, a, b, JSON.parse(c), time);
        break;
      }
      case 'use': {
        const { userId, need } = limits[i] as FactsQuery['limits'][number];
        const { uses } = people.get(userId) as PersonFacts;
        const list = uses.get(need.limitKey) ?? [];
        const [eventId, notificationId] = JSON.parse(b) as [string, string];
        // Two events of the batch may ask for overlapping spans of one limit.
        if (!list.some((use) => use.bucket === a && use.slot === slot)) {
          list.push({ bucket: a, slot, at: time, eventId, notificationId });
        }
        uses.set(need.limitKey, list);
      }
    }
  }
  return { catalogVersion, people, addressHashes, stored, contentHashes };
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
  const { rows } = await connection.query<[number, Millis]>({
    name: 'confirm-trait-times',
    text: CONFIRM,
    rowMode: 'array',
    values: [
      tenantId,
      list(contested.map(({ person }) => person.userId)),
      list(contested.map(({ at }) => at)),
      JSON.stringify(contested.map(({ trait }) => trait)),
    ],
  } as unknown as string);
  for (const [i, time] of rows) {
    const { person, trait } = contested[i] as ContestedTrait;
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
  where tenant_id = $1 and user_id = q.user_id and event_time > q.at and traits -> q.trait is not null
  order by event_time desc limit 1
) as e`;

/**
 * An array as one text: the driver quotes arrays element by element, which costs more than the look-up itself. Ids, types
 * and rule names hold no control characters, so U+001F parts them; nothing at all is the empty array.
 */
function list(texts: readonly string[]): string {
  return texts.join('\x1f');
}

type Row = [kind: string, i: number, a: string, b: string, c: string, time: Millis, slot: number];

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
