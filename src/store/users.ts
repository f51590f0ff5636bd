import type pg from 'pg';
import type { Decision, Outcome } from '../model/decision.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import type { Seal } from '../privacy/seal.ts';
import { isoTime } from '../time/iso-time.ts';
import { openAddress, toAddressTraits } from '../users/addresses.ts';
import { loadSealedAddresses } from './addresses.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { type DeliverySummary, loadDeliverySummaries } from './delivery-views.ts';
import { queryPage } from './pg/bounded-page.ts';

/* Stored data of a user, in the shapes of the API. Times are ISO 8601 in UTC. */

export interface ProfileView {
  readonly traits: JsonObject;
  /** Masked addresses, by kind. */
  readonly addresses: { readonly [kind: string]: string };
  readonly time_zone: string | null;
  readonly locale: string | null;
  readonly first_seen_at: string;
  readonly updated_at: string;
}

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

export async function loadProfile(pool: pg.Pool, tenantId: string, userId: string): Promise<ProfileView | null> {
  const { rows } = await pool.query<{
    traits: JsonObject;
    first_seen_at: Millis;
    updated_at: Millis;
    addresses: { [kind: string]: string } | null;
  }>(
    `select traits, first_seen_at, updated_at,
            (select json_object_agg(kind, mask) from addresses where tenant_id = $1 and user_id = $2) as addresses
     from users where tenant_id = $1 and user_id = $2`,
    [tenantId, userId],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    traits: row.traits,
    addresses: row.addresses ?? {},
    time_zone: toText(row.traits.time_zone),
    locale: toText(row.traits.locale),
    first_seen_at: isoTime(row.first_seen_at),
    updated_at: isoTime(row.updated_at),
  };
}

/** Returns the traits of a user as rules see them, which must not be shown; empty for an unknown user. */
export async function loadTraits(pool: pg.Pool, seal: Seal, tenantId: string, userId: string): Promise<JsonObject> {
  const { rows } = await pool.query<{ traits: JsonObject; sealed: Buffer | null }>(
    'select traits, sealed from users where tenant_id = $1 and user_id = $2',
    [tenantId, userId],
  );
  const row = rows[0];
  if (!row) return {};
  const original = row.sealed && openDocument(seal, row.sealed, documentRow('users', tenantId, userId));
  const traits = original ? (original.traits as JsonObject) : row.traits;
  let visible = traits;
  for (const { kind, sealed } of await loadSealedAddresses(pool, tenantId, [userId])) {
    const address = openAddress(seal, sealed, tenantId, userId, kind);
    if (address !== undefined) visible = { ...visible, ...toAddressTraits(traits, kind, address) };
  }
  return visible;
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

/** Selects a page of the events of a user. */
export interface TimelinePage {
  readonly tenantId: string;
  readonly userId: string;
  readonly limit: number;
  /** Events older than this; null: from the newest on. */
  readonly before: EventCursor | null;
  readonly only: DecisionFilter | null;
}

/** Loads the events of a user with the decisions on each, newest event time first. */
export async function loadTimeline(
  pool: pg.Pool,
  page: TimelinePage,
): Promise<{ events: EventView[]; decisions: DecisionView[]; last: EventCursor | null }> {
  const { rows, decisions, last } = await loadEventsWithDecisions(pool, page, CONTENT_COLUMNS);
  const events = rows.map((row) => ({
    event_id: row.event_id,
    event_type: row.event_type,
    event_timestamp: isoTime(row.event_time),
    received_at: isoTime(row.received_at),
    properties: row.properties,
    user_traits: row.traits,
    context: row.context,
    catalog_version: row.catalog_version,
  }));
  return { events, decisions, last };
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
  const page = { tenantId, userId, limit, before: null, only };
  return (await loadEventsWithDecisions(pool, page, [], MAX_EXAMINED_EVENTS)).decisions;
}

const CONTENT_COLUMNS = ['properties', 'traits', 'context'];

/**
 * @param content columns of the event to read beside its decisions
 * @param examined number of latest events among which those with such decisions are found; absent: all
 */
async function loadEventsWithDecisions(
  pool: pg.Pool,
  { tenantId, userId, limit, before, only }: TimelinePage,
  content: readonly string[],
  examined?: number,
) {
  const texts = [...content, 'decisions'];
  const { rows, more } = await queryPage(pool, {
    select: `select key, coalesce(event_id, key::text) as event_id, event_type, event_time, received_at,
                    catalog_version, ${texts.join(', ')}
             from ${examined === undefined ? 'events' : `(${latestEvents(examined)}) as events`}
             where tenant_id = $1 and user_id = $2 and (event_time, key) < ($3::timestamptz, $4::uuid)
               and ($5::text is null or ${hasDecision('$5')})
             order by event_time desc, key desc limit $6`,
    values: [
      tenantId,
      userId,
      before ? isoTime(before.time) : 'infinity',
      before?.key ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      toVariables(only),
      limit,
    ],
    limit,
    order: 'event_time desc, key desc',
    texts,
  });
  const decisions = rows.flatMap(({ key, event_time, received_at, decisions, ...row }) =>
    toViews(decisions, key, only, row, event_time, received_at),
  );
  const last = rows.at(-1);
  const cursor: EventCursor | null = last && more ? { time: last.event_time, key: last.key } : null;
  const ended = await loadEndedWaits(pool, tenantId, userId, cursor?.time ?? null, before?.time ?? null, only);
  return { rows, decisions: mergeNewestFirst(decisions, ended), last: cursor };
}

/** Returns the SQL of the latest events of the user $2 of the tenant $1: a walk along the primary key. */
function latestEvents(count: number): string {
  return `select * from events where tenant_id = $1 and user_id = $2 order by event_time desc, key desc limit ${count}`;
}

/** Maximum number of ended waits shown beside one page of events. */
const MAX_ENDED_WAITS = 500;

/** Loads the decisions made at the end of waits whose triggers lie in the time span of a page. */
async function loadEndedWaits(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  from: Millis | null,
  to: Millis | null,
  only: DecisionFilter | null,
): Promise<DecisionView[]> {
  const { rows } = await pool.query(
    `select wait_id, trigger_time, ended_at, catalog_version, decisions,
            state #>> '{trigger,eventId}' as event_id, state #>> '{trigger,type}' as event_type
     from waits
     where tenant_id = $1 and user_id = $2 and decisions is not null and trigger_time >= $3 and trigger_time < $4
       and ($5::text is null or ${hasDecision('$5')})
     order by trigger_time desc limit ${MAX_ENDED_WAITS}`,
    [
      tenantId,
      userId,
      from === null ? '-infinity' : isoTime(from),
      to === null ? 'infinity' : isoTime(to),
      toVariables(only),
    ],
  );
  return rows.flatMap(({ wait_id, trigger_time, ended_at, decisions, ...row }) =>
    toViews(decisions, wait_id, only, row, trigger_time, ended_at),
  );
}

/** @param source prefix of the decision IDs: the key of an event, or the ID of an ended wait */
function toViews(
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

/** Number of decisions of a rule about a user, by outcome. */
export interface DecisionCount {
  readonly rule: string;
  readonly outcome: Outcome;
  /** True for decisions about the requested notification type. */
  readonly isAbout: boolean;
  readonly count: number;
}

/**
 * Counts the stored decisions of a user: those about the notification type, and the others of these rules. Examines the latest
 * MAX_EXAMINED_EVENTS events and as many waits.
 */
export async function countDecisions(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  notificationType: string,
  rules: readonly string[],
): Promise<DecisionCount[]> {
  const { rows } = await pool.query<DecisionCount>(
    `select d ->> 'r' as rule, d ->> 'o' as outcome, coalesce(d ->> 't', d ->> 'r') = $3 as "isAbout", count(*) as count
     from (select decisions from (${latestEvents(MAX_EXAMINED_EVENTS)}) as latest
           union all
           (select decisions from waits where tenant_id = $1 and user_id = $2 and decisions is not null
            order by trigger_time desc limit ${MAX_EXAMINED_EVENTS})) as stored
     cross join json_array_elements(decisions) as d
     where coalesce(d ->> 't', d ->> 'r') = $3 or d ->> 'r' = any($4::text[]) group by 1, 2, 3`,
    [tenantId, userId, notificationType, rules],
  );
  return rows;
}

/** Returns whether the user has more events than MAX_EXAMINED_EVENTS. */
export async function hasMoreThanExamined(pool: pg.Pool, tenantId: string, userId: string): Promise<boolean> {
  const { rows } = await pool.query(
    `select from events where tenant_id = $1 and user_id = $2 order by event_time desc, key desc
     offset ${MAX_EXAMINED_EVENTS} limit 1`,
    [tenantId, userId],
  );
  return rows.length > 0;
}

/** Counts the latest MAX_EXAMINED_EVENTS events of a user by type, with the latest time of each. */
export async function countEvents(
  pool: pg.Pool,
  tenantId: string,
  userId: string,
  types: readonly string[],
): Promise<Map<string, { count: number; latest: string }>> {
  const { rows } = await pool.query<{ event_type: string; count: number; latest: Millis }>(
    `select event_type, count(*) as count, max(event_time) as latest from (${latestEvents(MAX_EXAMINED_EVENTS)}) as latest
     where event_type = any($3::text[]) group by event_type`,
    [tenantId, userId, types],
  );
  return new Map(rows.map((row) => [row.event_type, { count: row.count, latest: isoTime(row.latest) }]));
}

/** Finds user IDs that start with `prefix`, in order. */
export async function findUsers(pool: pg.Pool, tenantId: string, prefix: string, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ user_id: string }>(
    `select user_id from users where tenant_id = $1 and user_id >= $2 and starts_with(user_id, $2)
     order by user_id limit $3`,
    [tenantId, prefix, limit],
  );
  return rows.map((row) => row.user_id);
}

export interface ActivityView {
  readonly event_id: string;
  readonly event_type: string;
  readonly event_timestamp: string;
  readonly received_at: string;
  readonly user_id: string;
  readonly decisions: readonly Decision[];
  /** Deliveries of the notifications that the decisions made, as they are now. */
  readonly deliveries: readonly DeliverySummary[];
}

/**
 * Lists the latest arrivals with what has become of their notifications. Looks back one second, ten seconds and so on until there are enough rows, so that a busy hour
 * is not sorted for fifty rows; the index on arrival time is a small BRIN.
 */
export async function recentActivity(
  pool: pg.Pool,
  tenantId: string,
  limit: number,
  now: Millis,
): Promise<ActivityView[]> {
  for (const back of [1e3, 1e4, 1e5, 3.6e6, 8.64e7, 2.6e9, now]) {
    const { rows, more } = await queryPage(pool, {
      select: `select key, coalesce(event_id, key::text) as event_id, event_type, event_time, received_at, user_id, decisions
               from events where received_at > $2 and tenant_id = $1
               order by received_at desc, event_time desc limit $3`,
      values: [tenantId, isoTime(now - back), limit],
      limit,
      order: 'received_at desc, event_time desc',
      texts: ['decisions'],
    });
    if (!more && back !== now) continue;
    const events = rows.map(({ key, event_time, received_at, decisions, ...row }) => ({
      ...(row as Pick<ActivityView, 'event_id' | 'event_type' | 'user_id'>),
      decisions: unpackDecisions(decisions, key, row.event_id),
      event_timestamp: isoTime(event_time),
      received_at: isoTime(received_at),
    }));
    const ids = events.map(({ decisions }) => decisions.flatMap((decision) => decision.notification_id ?? []));
    const deliveries = await loadDeliverySummaries(pool, tenantId, ids.flat());
    return events.map((event, index) => ({
      ...event,
      deliveries: (ids[index] ?? []).flatMap((id) => deliveries.get(id) ?? []),
    }));
  }
  return [];
}

function toText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
