import type pg from 'pg';
import type { Decision, WaitKind, WaitStatus } from '../model/decision.ts';
import type { Event, JsonObject, Millis, Profile } from '../model/event.ts';
import type { CountedUse, TraitChangeTrigger, WaitState } from '../rules/facts.ts';
import { findOpenChanges } from '../rules/trait-changes.ts';
import { isoTime } from '../time/iso-time.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';

/** Everything stored of one person that a replay needs. */
export interface StoredHistory {
  readonly userId: string;
  /** As it is now: for traits whose event is stored no more. */
  readonly profile: Profile;
  /** In order of event time. */
  readonly events: readonly StoredEvent[];
  readonly waits: readonly StoredWait[];
  readonly uses: readonly StoredUse[];
}

export interface StoredEvent extends Event {
  readonly receivedAt: Millis;
  readonly catalogVersion: number;
  /** The rule that made it; null for what was posted. */
  readonly emittedBy: string | null;
  /** Whether a decision on it sent, acted or started a wait. */
  readonly hasFired: boolean;
  /** What was decided when it arrived. Of what was received before `since` only where something came of it or a trait changed. */
  decisions(): readonly Decision[];
  openChanges(): readonly TraitChangeTrigger[];
}

export interface StoredWait {
  readonly waitId: string;
  readonly rule: string;
  readonly key: string;
  readonly kind: WaitKind;
  readonly catalogVersion: number;
  readonly status: WaitStatus;
  readonly beganAt: Millis;
  readonly dueAt: Millis;
  readonly triggerTime: Millis;
  readonly endedAt: Millis | null;
  readonly state: WaitState;
  /** What was decided when its time came. */
  readonly decisions: readonly Decision[];
}

export interface StoredUse extends CountedUse {
  readonly limitKey: string;
}

/** A person with more events than this is left out: a replay holds all of one person in memory. */
export const MAX_EVENTS_PER_PAGE = 100_000;

const PAGE = 5000;

export interface HistoriesQuery {
  readonly tenantId: string;
  /** Only this person. */
  readonly userId?: string;
  /** People to whom nothing happened from here on are left out. */
  readonly since: Millis;
  /** What was received, began or ended from here on has not happened yet. */
  readonly until: Millis;
  /** Also people to whom nothing happened: recurring rules are about everybody. */
  readonly everybody: boolean;
}

/** Some people, in order of their ids. */
export interface HistoriesPage {
  readonly lives: readonly StoredHistory[];
  /** People whose events were read, those without news included. */
  readonly users: number;
  /** With more than MOST_EVENTS. */
  readonly leftOut: readonly string[];
}

/**
 * Reads people one after the other, a few thousand events in a round trip, all as they were at one moment: a cursor over
 * the primary key of `events` in a read-only transaction, so nothing is sorted and nothing is locked.
 */
export async function* readHistories(pool: pg.Pool, query: HistoriesQuery): AsyncGenerator<HistoriesPage> {
  const connection = await pool.connect();
  try {
    await connection.query('begin isolation level repeatable read, read only');
    await connection.query(
      `declare lives no scroll cursor for ${EVENTS} ${query.userId === undefined ? '' : 'and user_id = $4'} ${ORDER}`,
      [
        query.tenantId,
        isoTime(query.since),
        isoTime(query.until),
        ...(query.userId === undefined ? [] : [query.userId]),
      ],
    );
    const fetch = (): Promise<pg.QueryResult<EventRow>> => {
      const rows = connection.query<EventRow>({
        text: `fetch ${PAGE} from lives`,
        rowMode: 'array',
      });
      // Whoever stops early does not wait for it.
      rows.catch(() => {});
      return rows;
    };
    let reading: Reading | undefined;
    for (let coming: Promise<pg.QueryResult<EventRow>> | undefined = fetch(); coming; ) {
      const rows: readonly EventRow[] = (await coming).rows;
      const whole: Reading[] = [];
      for (const row of rows) {
        if (reading?.userId !== row[0]) {
          if (reading) whole.push(reading);
          reading = { userId: row[0], events: [], left: 0 };
        }
        take(reading, query.tenantId, row);
      }
      const isLast: boolean = rows.length < PAGE;
      // The last person of a page may go on in the next one.
      if (isLast && reading) whole.push(reading);
      const page = whole.length > 0 ? await complete(connection, query, whole) : undefined;
      // The server reads on while these are replayed.
      coming = isLast ? undefined : fetch();
      if (page) yield page;
    }
  } finally {
    // Also of somebody who stops reading early.
    const isOver = await connection.query('rollback').then(
      () => true,
      () => false,
    );
    connection.release(!isOver);
  }
}

/** About how many people there are, for a progress bar. */
export async function countUsers(pool: pg.Pool, tenantId: string): Promise<number> {
  const { rows } = await pool.query<{ users: number }>('select count(*) as users from users where tenant_id = $1', [
    tenantId,
  ]);
  return rows[0]?.users ?? 0;
}

interface Reading {
  readonly userId: string;
  readonly events: StoredEvent[];
  /** Events beyond MOST_EVENTS. */
  left: number;
}

type EventRow = [
  userId: string,
  time: Millis,
  key: string,
  type: string,
  eventId: string,
  receivedAt: Millis,
  properties: string,
  traits: string,
  emittedBy: string | null,
  version: number,
  hasFired: boolean | null,
  hasTraitChange: boolean | null,
  decisions: string | null,
];

const EVENTS = `
select user_id, event_time, key::text, event_type, coalesce(event_id, key::text), received_at, properties::text,
       traits::text, context ->> 'emitted_by', catalog_version, has_fired, has_trait_change,
       case when received_at >= $2::timestamptz or has_fired or has_trait_change then decisions::text end
from events where tenant_id = $1 and received_at < $3::timestamptz`;

const ORDER = 'order by user_id, event_time, key';

function take(reading: Reading, tenantId: string, row: EventRow): void {
  const [userId, time, key, type, eventId, receivedAt, properties, traits, ...rest] = row;
  const [emittedBy, catalogVersion, hasFired, hasTraitChange, decisions] = rest;
  if (reading.events.length >= MAX_EVENTS_PER_PAGE) {
    reading.left++;
    return;
  }
  let unpacked: readonly Decision[] | undefined;
  const event: StoredEvent = {
    tenantId,
    userId,
    eventId,
    key,
    type,
    time,
    properties: objectOf(properties),
    traits: objectOf(traits),
    receivedAt,
    catalogVersion,
    // Anybody may write the word into an envelope; an id like this only with intent.
    emittedBy: emittedBy !== null && eventId.startsWith(`${emittedBy}.`) ? emittedBy : null,
    hasFired: hasFired === true,
    decisions() {
      unpacked ??= decisions === null ? [] : unpackDecisions(JSON.parse(decisions), key, eventId);
      return unpacked;
    },
    openChanges() {
      return hasTraitChange ? findOpenChanges(event, event.decisions()) : [];
    },
  };
  reading.events.push(event);
}

function objectOf(text: string): JsonObject {
  return text === '{}' ? {} : JSON.parse(text);
}

/** The rest of what is stored of these people, who follow one another. */
async function complete(
  connection: pg.PoolClient,
  { tenantId, since, until, everybody }: HistoriesQuery,
  whole: readonly Reading[],
): Promise<HistoriesPage> {
  const leftOut = whole.filter(({ left }) => left > 0).map(({ userId }) => userId);
  const between = [tenantId, whole[0]?.userId, whole.at(-1)?.userId];
  const profiles = new Map<string, Profile>();
  const users = await connection.query({ text: USERS, values: between });
  for (const { user_id, traits, trait_times } of users.rows) profiles.set(user_id, { traits, traitTimes: trait_times });
  const waits = new Map<string, StoredWait[]>();
  for (const row of (await connection.query<WaitRow>({ text: WAITS, values: [...between, isoTime(until)] })).rows) {
    push(waits, row.user_id, waitOf(row, until));
  }
  const uses = new Map<string, StoredUse[]>();
  for (const { user_id, limit_key, bucket, slot, event_time, event_id, notification_id } of (
    await connection.query({ text: USES, values: between })
  ).rows) {
    const use = { bucket, slot, at: event_time, eventId: event_id, notificationId: notification_id };
    push(uses, user_id, { ...use, limitKey: limit_key });
  }
  const lives: StoredHistory[] = [];
  for (const { userId, events, left } of whole) {
    const own = waits.get(userId) ?? [];
    const hasNews =
      events.some(({ receivedAt }) => receivedAt >= since) ||
      own.some(({ endedAt }) => endedAt === null || endedAt >= since);
    if (left > 0 || !(hasNews || everybody)) continue;
    const profile = profiles.get(userId) ?? { traits: {}, traitTimes: {} };
    lives.push({ userId, profile, events, waits: own, uses: uses.get(userId) ?? [] });
  }
  return { lives, users: whole.length, leftOut };
}

const USERS = `
select user_id, traits, trait_times from users where tenant_id = $1 and user_id between $2 and $3`;

const USES = `
select user_id, limit_key, bucket, slot, event_time, event_id, notification_id::text from limit_uses
where tenant_id = $1 and user_id between $2 and $3`;

const WAITS = `
select user_id, wait_id::text, rule, key, kind, catalog_version, status, began_at, due_at, trigger_time, ended_at, state,
       decisions
from waits where tenant_id = $1 and user_id between $2 and $3 and began_at < $4`;

interface WaitRow {
  readonly user_id: string;
  readonly wait_id: string;
  readonly rule: string;
  readonly key: string;
  readonly kind: WaitKind;
  readonly catalog_version: number;
  readonly status: StoredWait['status'];
  readonly began_at: Millis;
  readonly due_at: Millis;
  readonly trigger_time: Millis;
  readonly ended_at: Millis | null;
  readonly state: WaitState;
  readonly decisions: readonly StoredDecision[] | null;
}

function waitOf(row: WaitRow, until: Millis): StoredWait {
  const { wait_id: waitId, rule, key, kind, state } = row;
  const isOpen = row.ended_at === null || row.ended_at >= until;
  return {
    waitId,
    rule,
    key,
    kind,
    catalogVersion: row.catalog_version,
    status: isOpen ? 'waiting' : row.status,
    beganAt: row.began_at,
    dueAt: row.due_at,
    triggerTime: row.trigger_time,
    endedAt: isOpen ? null : row.ended_at,
    state,
    decisions: isOpen ? [] : unpackDecisions(row.decisions ?? [], waitId, state.trigger.eventId),
  };
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
