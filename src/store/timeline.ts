import type pg from 'pg';
import type { Decision, Outcome } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { isoTime } from '../time/iso-time.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { queryPage } from './pg/bounded-page.ts';
import type { Connection } from './pg/pool.ts';

/* Events and decisions of a user, newest first, in the shapes of the API. Times are ISO 8601 in UTC. */

export interface EventView {
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly received_at: string;
  readonly properties: JsonObject;
  readonly user_traits: JsonObject;
  readonly context: JsonObject | null;
  readonly catalog_version: number;
}

export interface DecisionView extends Decision {
  /** The event whose arrival led to the decision. */
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly decided_at: string;
  readonly catalog_version: number;
}
/** A position in the events of a user, newest first. */
export interface EventCursor {
  readonly time: Millis;
  readonly key: string;
}

/** Selects events and ended waits that have such a decision, and of their decisions only these. */
export interface DecisionFilter {
  readonly type: string;
  readonly outcome?: Outcome;
}

/** Returns the filter in SQL over the column `decisions`; its variables come from `toVariables`. */
function hasDecision(variables: string): string {
  return `jsonb_path_exists(decisions::jsonb,
    '$[*] ? ((@.t == $type || (!exists(@.t) && @.r == $type)) && ($outcome == "" || @.o == $outcome))', ${variables}::jsonb)`;
}

function toVariables(only: DecisionFilter | null): string | null {
  return only && JSON.stringify({ type: only.type, outcome: only.outcome ?? '' });
}

function matchesFilter(only: DecisionFilter | null, decision: Decision): boolean {
  if (only === null) return true;
  return decision.notification_type === only.type && (only.outcome ?? decision.outcome) === decision.outcome;
}

/** Place of a page among the events of a user: the newest ones, those beside a position, or those around one, that event included. */
export type TimelinePlace =
  | { readonly kind: 'newest' }
  | { readonly kind: 'older' | 'newer' | 'around'; readonly at: EventCursor };

/** Selects a page of the events of a user. */
export interface TimelinePage {
  readonly tenantId: string;
  readonly userId: string;
  readonly limit: number;
  readonly place: TimelinePlace;
  readonly only: DecisionFilter | null;
}

/**
 * Loads the events of a user with the decisions on each, newest event time first.
 * @returns `first` and `last`: positions that newer and older events follow; null: none do
 */
export async function loadTimeline(
  pool: pg.Pool,
  page: TimelinePage,
): Promise<{
  events: EventView[];
  decisions: DecisionView[];
  first: EventCursor | null;
  last: EventCursor | null;
}> {
  const { rows, decisions, first, last } = await loadEventsWithDecisions(pool, page, CONTENT_COLUMNS);
  const events = rows.map(toEventView);
  return { events, decisions, first, last };
}

/** Returns the newest event of a user of one of these types, with addresses masked; undefined: there is no such event. */
export async function loadLastEvent(
  connection: Connection,
  tenantId: string,
  userId: string,
  types: readonly string[],
): Promise<Pick<EventView, 'event_type' | 'properties' | 'user_traits'> | undefined> {
  const { rows } = await connection.query<{ event_type: string; properties: JsonObject; user_traits: JsonObject }>(
    `select e.event_type, e.properties, e.traits as user_traits
     from unnest($3::text[]) as q(type)
     cross join lateral (
       select event_type, properties, traits, event_time, key from events
       where tenant_id = $1 and user_id = $2 and event_type = q.type
       order by event_time desc, key desc limit 1
     ) as e
     order by e.event_time desc, e.key desc limit 1`,
    [tenantId, userId, types],
  );
  return rows[0];
}

/** Returns an event of a user by the key of the id that its caller gave, with addresses masked; undefined: there is no such event. */
export async function loadEventByKey(
  connection: Connection,
  tenantId: string,
  userId: string,
  key: string,
): Promise<Pick<EventView, 'event_type' | 'properties' | 'user_traits'> | undefined> {
  const { rows } = await connection.query<{ event_type: string; properties: JsonObject; user_traits: JsonObject }>(
    `select e.event_type, e.properties, e.traits as user_traits
     from event_ids as i join events as e using (tenant_id, user_id, event_time, key)
     where i.tenant_id = $1 and i.key = $3 and i.user_id = $2`,
    [tenantId, userId, key],
  );
  return rows[0];
}

/** The columns of an event that the API shows. */
export interface EventRow {
  readonly event_id: string;
  readonly event_type: string;
  readonly event_time: Millis;
  readonly received_at: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  readonly context: JsonObject | null;
  readonly catalog_version: number;
}

/** Returns a row of the table of events as the API shows it. */
export function toEventView(row: EventRow): EventView {
  return {
    event_id: row.event_id,
    event_type: row.event_type,
    event_timestamp: isoTime(row.event_time),
    received_at: isoTime(row.received_at),
    properties: row.properties,
    user_traits: row.traits,
    context: row.context,
    catalog_version: row.catalog_version,
  };
}

/** Number of latest events and of latest waits of a user that an explanation examines, at most. */
export const MAX_EXAMINED_EVENTS = 10_000;

/** Loads only decisions, without reading the content of the events; of the latest MAX_EXAMINED_EVENTS events. */
export async function loadDecisions(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  limit: number,
  only: DecisionFilter,
): Promise<DecisionView[]> {
  const page: TimelinePage = { tenantId, userId, limit, place: { kind: 'newest' }, only };
  return (await loadEventsWithDecisions(pool, page, [], MAX_EXAMINED_EVENTS)).decisions;
}

const CONTENT_COLUMNS = ['properties', 'traits', 'context'];

/**
 * @param content columns of the event to read beside its decisions
 * @param examined number of latest events among which those with such decisions are found; absent: all
 */
async function loadEventsWithDecisions(
  pool: pg.Pool,
  page: TimelinePage,
  content: readonly string[],
  examined?: number,
) {
  const { tenantId, userId, only, place } = page;
  const { rows, first, last } = await loadRows(pool, page, content, examined);
  const decisions = rows.flatMap(({ key, event_time, received_at, decisions, ...row }) =>
    toDecisionViews(decisions, key, only, row, event_time, received_at),
  );
  const ended = await loadEndedWaits(pool, tenantId, userId, toSpan(place, first, last), only);
  return { rows, decisions: mergeNewestFirst(decisions, ended), first, last };
}

async function loadRows(
  pool: pg.Pool,
  page: TimelinePage,
  content: readonly string[],
  examined: number | undefined,
  // biome-ignore lint/suspicious/noExplicitAny: rows of selectEvents, named column by column there
): Promise<{ readonly rows: any[]; readonly first: EventCursor | null; readonly last: EventCursor | null }> {
  const { place, limit } = page;
  const select = (side: keyof typeof SIDES, at: EventCursor, count: number) =>
    selectEvents(pool, { ...page, limit: count }, SIDES[side], at, content, examined);
  if (place.kind === 'around') {
    const newer = await select('newer', place.at, Math.floor((limit - 1) / 2));
    const older = await select('upTo', place.at, limit - newer.rows.length);
    const rows = [...newer.rows.reverse(), ...older.rows];
    return { rows, first: newer.more ? toCursor(rows[0]) : null, last: older.more ? toCursor(rows.at(-1)) : null };
  }
  if (place.kind === 'newer') {
    const found = await select('newer', place.at, limit);
    const rows = found.rows.reverse();
    return { rows, first: found.more ? toCursor(rows[0]) : null, last: toCursor(rows.at(-1)) };
  }
  const { rows, more } = await select('older', place.kind === 'older' ? place.at : NEWEST, limit);
  const first = place.kind === 'older' ? toCursor(rows[0]) : null;
  return { rows, first, last: more ? toCursor(rows.at(-1)) : null };
}

/** Position that all events are older than. */
const NEWEST: EventCursor = { time: Number.POSITIVE_INFINITY, key: 'ffffffff-ffff-ffff-ffff-ffffffffffff' };

/** Events on a side of a position, nearest first. */
const SIDES = {
  older: { compare: '<', order: 'event_time desc, key desc' },
  upTo: { compare: '<=', order: 'event_time desc, key desc' },
  newer: { compare: '>', order: 'event_time, key' },
} as const;

function selectEvents(
  pool: pg.Pool,
  { tenantId, userId, limit, only }: TimelinePage,
  { compare, order }: (typeof SIDES)[keyof typeof SIDES],
  at: EventCursor,
  content: readonly string[],
  examined: number | undefined,
) {
  const texts = [...content, 'decisions'];
  return queryPage(pool, {
    select: `select key, coalesce(event_id, key::text) as event_id, event_type, event_time, received_at,
                    catalog_version, ${texts.join(', ')}
             from ${examined === undefined ? 'events' : `(${latestEvents(examined)}) as events`}
             where tenant_id = $1 and user_id = $2 and (event_time, key) ${compare} ($3::timestamptz, $4::uuid)
               and ($5::text is null or ${hasDecision('$5')})
             order by ${order} limit $6`,
    values: [tenantId, userId, toTimeParam(at.time), at.key, toVariables(only), limit],
    limit,
    order,
    texts,
  });
}

function toCursor(row: { event_time: Millis; key: string } | undefined): EventCursor | null {
  return row === undefined ? null : { time: row.event_time, key: row.key };
}

/** Times from inclusive to exclusive. */
interface TimeSpan {
  readonly from: Millis;
  readonly to: Millis;
}

/** Returns the span of time that a page covers: of pages that follow one another each time is in one. */
function toSpan(place: TimelinePlace, first: EventCursor | null, last: EventCursor | null): TimeSpan {
  const newest = first === null ? Number.POSITIVE_INFINITY : first.time + 1;
  const oldest = last?.time ?? Number.NEGATIVE_INFINITY;
  if (place.kind === 'newer') return { from: place.at.time + 1, to: newest };
  if (place.kind === 'older') return { from: oldest, to: place.at.time };
  return { from: oldest, to: newest };
}

function toTimeParam(time: Millis): string {
  if (Number.isFinite(time)) return isoTime(time);
  return time > 0 ? 'infinity' : '-infinity';
}

/** Returns the SQL of the latest events of the user $2 of the tenant $1: a walk along the primary key. */
export function latestEvents(count: number, columns = '*'): string {
  return `select ${columns} from events where tenant_id = $1 and user_id = $2 order by event_time desc, key desc limit ${count}`;
}

/** Maximum number of ended waits shown beside one page of events. */
const MAX_ENDED_WAITS = 500;

/** Loads the decisions made at the end of waits whose triggers lie in the time span of a page. */
async function loadEndedWaits(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  { from, to }: TimeSpan,
  only: DecisionFilter | null,
): Promise<DecisionView[]> {
  const { rows } = await pool.query(
    `select wait_id, trigger_time, ended_at, catalog_version, decisions,
            state #>> '{trigger,eventId}' as event_id, state #>> '{trigger,type}' as event_type
     from waits
     where tenant_id = $1 and user_id = $2 and decisions is not null and trigger_time >= $3 and trigger_time < $4
       and ($5::text is null or ${hasDecision('$5')})
     order by trigger_time desc limit ${MAX_ENDED_WAITS}`,
    [tenantId, userId, toTimeParam(from), toTimeParam(to), toVariables(only)],
  );
  return rows.flatMap(({ wait_id, trigger_time, ended_at, decisions, ...row }) =>
    toDecisionViews(decisions, wait_id, only, row, trigger_time, ended_at),
  );
}

/** Unpacks the decisions of a row. @param source prefix of the decision IDs: the key of an event, or the ID of an ended wait */
export function toDecisionViews(
  stored: readonly StoredDecision[],
  source: string,
  only: DecisionFilter | null,
  { event_id, event_type, catalog_version }: Pick<DecisionView, 'event_id' | 'event_type' | 'catalog_version'>,
  happenedAt: Millis,
  decidedAt: Millis,
): DecisionView[] {
  return unpackDecisions(stored, source, event_id)
    .filter((decision) => matchesFilter(only, decision))
    .map((decision) => ({
      ...decision,
      event_id,
      event_type,
      event_timestamp: isoTime(happenedAt),
      decided_at: isoTime(decidedAt),
      catalog_version,
    }));
}

/** Merges by event time, then by decision time, newest first. */
function mergeNewestFirst(onEvents: readonly DecisionView[], onEnds: readonly DecisionView[]): DecisionView[] {
  if (onEnds.length === 0) return [...onEvents];
  const place = ({ event_timestamp, decided_at }: DecisionView) => `${event_timestamp} ${decided_at}`;
  return [...onEnds, ...onEvents].sort((a, b) => (place(a) < place(b) ? 1 : place(a) > place(b) ? -1 : 0));
}
