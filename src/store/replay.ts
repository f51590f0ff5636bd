import type pg from 'pg';
import { toReadableContext } from '../events/envelopes/context.ts';
import { type Content, type Excerpt, hasNamedFields, keepNamedFields } from '../events/excerpt.ts';
import { type FieldsByType, NamedFields } from '../events/named-fields.ts';
import { appendTo } from '../lib/group-by.ts';
import type { Decision, WaitKind, WaitStatus } from '../model/decision.ts';
import { ADDRESS_TRAITS, type Event, type JsonObject, type Millis, type Profile } from '../model/event.ts';
import { NO_TERMS, type Terms } from '../model/terms.ts';
import { type DocumentRow, documentRow, openDocument } from '../privacy/documents.ts';
import { maskAddressTrait } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { findOpenChanges } from '../rules/evaluate/trait-changes.ts';
import type { CountedUse, TraitChangeTrigger, WaitState } from '../rules/facts.ts';
import { isoTime } from '../time/iso-time.ts';
import { openAddress } from '../users/addresses.ts';
import { loadSealedAddresses } from './addresses.ts';
import { readContents } from './contents.ts';
import { type StoredDecision, unpackDecisions } from './decisions.ts';
import { CONTEXT_COLUMN } from './facts/fact-bytes.ts';
import { openState } from './waits/wait-content.ts';

/** Everything stored about one user that a replay needs. */
export interface StoredHistory {
  readonly userId: string;
  /** Current profile, for traits whose event is no longer stored. */
  readonly profile: Profile;
  /** Current terms, as the profile. */
  readonly terms: Terms;
  /** Keyed hashes of the current addresses of the traits, by kind. */
  readonly addressHashes: { readonly [kind: string]: string };
  /** Events in order of event time. */
  readonly events: readonly StoredEvent[];
  readonly waits: readonly StoredWait[];
  readonly uses: readonly StoredUse[];
}

export interface StoredEvent extends Event {
  readonly receivedAt: Millis;
  readonly catalogVersion: number;
  /** The rule that emitted the event; null for a posted event. */
  readonly emittedBy: string | null;
  /** True if a decision on the event sent, acted or started a wait. */
  readonly hasFired: boolean;
  /** Decisions made on arrival. For events received before `since`, only if one of them fired or a trait changed. */
  decisions(): readonly Decision[];
  openChanges(): readonly TraitChangeTrigger[];
}

export interface StoredWait {
  readonly waitId: string;
  readonly rule: string;
  readonly key: string;
  readonly kind: WaitKind;
  readonly catalogVersion: number;
  /** The version that decided about the user when it was due; null: the same, or it was not due. */
  readonly endedVersion: number | null;
  readonly status: WaitStatus;
  readonly beganAt: Millis;
  readonly dueAt: Millis;
  readonly triggerTime: Millis;
  readonly endedAt: Millis | null;
  readonly state: WaitState;
  /** Decisions made when the wait was due. */
  readonly decisions: readonly Decision[];
}

export interface StoredUse extends CountedUse {
  readonly limitKey: string;
}

/** Maximum number of events of a replayed user; users with more are skipped, because a replay holds one user in memory. */
export const MAX_EVENTS_PER_USER = 100_000;

/**
 * Maximum size of the events of a replayed user, in characters of JSON; of a large event the named fields count. Users with
 * more are skipped.
 */
const MAX_CHARS_PER_USER = 128 * 1024 * 1024;

/** Maximum size of the waits of a replayed user, in bytes of their states and decisions. Users with more are skipped. */
const MAX_WAIT_BYTES_PER_USER = 32 * 1024 * 1024;

/** Events in one round trip: few at first, then as many as had this size the time before, in characters of JSON. */
const FIRST_FETCH = 500;
const MAX_EVENTS_PER_FETCH = 5000;
const FETCH_CHARS = 8 * 1024 * 1024;

export interface HistoriesQuery {
  readonly tenantId: string;
  /** Restricts the replay to this user. */
  readonly userId?: string;
  /** Users without any activity from this time on are skipped. */
  readonly since: Millis;
  /** Events received, and waits started or ended, from this time on are ignored. */
  readonly until: Millis;
  /** Includes users without activity, because scheduled rules concern every user. */
  readonly includeIdle: boolean;
  /** Opens what is sealed; absent: it is replayed masked. */
  readonly seal?: Seal;
  /** Puts the current address of a user in the place of its mask in events that were stored without their original. */
  readonly restoreAddresses?: boolean;
  /** Returns the fields of large events that the replay looks at; absent: all. Called when the first is needed. */
  readonly namedFields?: () => FieldsByType;
  /** Bounds of a user, in the place of MAX_EVENTS_PER_USER and MAX_CHARS_PER_USER; absent: those. */
  readonly bounds?: UserBounds;
  /** Asked before each round trip: whether the rest is not wanted. */
  readonly isOver?: () => boolean;
}

/** History of one user that is read, at most; users with more are left out. */
export interface UserBounds {
  readonly events: number;
  /** Size of the events, in characters of JSON. */
  readonly chars: number;
}

/** Users in order of user ID. */
export interface HistoriesPage {
  readonly histories: readonly StoredHistory[];
  /** Number of users read, including skipped ones. */
  readonly users: number;
  /** Users with more events than MAX_EVENTS_PER_USER, or more content than can be in memory. */
  readonly leftOut: readonly string[];
}

/**
 * Reads users one after the other, some thousand events per round trip, from one snapshot: a cursor over the primary key of
 * `events` in a read-only transaction, which sorts nothing and takes no row locks.
 */
export async function* readHistories(pool: pg.Pool, query: HistoriesQuery): AsyncGenerator<HistoriesPage> {
  const connection = await pool.connect();
  try {
    await connection.query('begin isolation level repeatable read, read only');
    await connection.query(
      `declare histories no scroll cursor for ${SELECT_EVENTS} ${query.userId === undefined ? '' : 'and user_id = $4'} ${ORDER_BY}`,
      [
        query.tenantId,
        isoTime(query.since),
        isoTime(query.until),
        ...(query.userId === undefined ? [] : [query.userId]),
      ],
    );
    let count = FIRST_FETCH;
    const fetch = (): Promise<pg.QueryResult<EventRow>> => {
      const rows = connection.query<EventRow>({
        text: `fetch ${count} from histories`,
        rowMode: 'array',
      });
      // A consumer that stops early does not await this request.
      rows.catch(() => {});
      return rows;
    };
    let reading: Reading | undefined;
    const { isOver: isUnwanted } = query;
    for (let nextPage: Promise<pg.QueryResult<EventRow>> | undefined = fetch(); nextPage; ) {
      const rows: readonly EventRow[] = (await nextPage).rows;
      const whole: Reading[] = [];
      for (const row of rows) {
        if (reading?.userId !== row[0]) {
          if (reading) whole.push(reading);
          reading = { userId: row[0], events: [], large: [], chars: 0, left: 0 };
        }
        addRow(reading, query, row);
      }
      const isWhale = reading !== undefined && reading.left > 0 && query.userId !== undefined;
      const isLast: boolean = rows.length < count || isWhale;
      count = adaptCount(rows);
      // The last user of a page may continue on the next one.
      if (isLast && reading) whole.push(reading);
      // A user whose events are all deleted is known all the same.
      else if (isLast && query.userId !== undefined)
        whole.push({ userId: query.userId, events: [], large: [], chars: 0, left: 0 });
      const page = whole.length > 0 ? await loadRemaining(connection, query, whole) : undefined;
      // Requests the next page while this one is replayed.
      nextPage = isLast ? undefined : fetch();
      if (page) yield page;
      if (isUnwanted?.()) return;
    }
  } finally {
    // Also runs if the consumer stops early.
    const isOver = await connection.query('rollback').then(
      () => true,
      () => false,
    );
    connection.release(!isOver);
  }
}

/** Returns the number of users, for a progress bar. @param max of them that are counted; null: all */
export async function countUsers(pool: pg.Pool, tenantId: string, max: number | null = null): Promise<number> {
  const { rows } = await pool.query<{ users: number }>(
    'select count(*) as users from (select from users where tenant_id = $1 limit $2) as u',
    [tenantId, max],
  );
  return rows[0]?.users ?? 0;
}

interface Reading {
  readonly userId: string;
  readonly events: StoredEvent[];
  /** The large events among these, with their excerpts in place of their contents. */
  readonly large: ReadLargeEvent[];
  /** Size of the events, in characters of JSON. */
  chars: number;
  /** Events that are not among these, because there are too many or they are too large. */
  left: number;
}

interface ReadLargeEvent {
  readonly event: { -readonly [Field in keyof StoredEvent]: StoredEvent[Field] };
  readonly excerpt: Excerpt;
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
  sealed: Buffer | null,
  excerpt: string | null,
  context: string | null,
];

const SELECT_EVENTS = `
select user_id, event_time, key::text, event_type, coalesce(event_id, key::text), received_at,
       case when excerpt is null then properties::text else '{}' end, case when excerpt is null then traits::text else '{}' end,
       context ->> 'emitted_by', catalog_version, has_fired, has_trait_change,
       case when received_at >= $2::timestamptz or has_fired or has_trait_change then decisions::text end,
       case when excerpt is null then sealed end, excerpt::text, (${CONTEXT_COLUMN})::text
from events where tenant_id = $1 and received_at < $3::timestamptz`;

const ORDER_BY = 'order by user_id, event_time, key';

const USUAL_BOUNDS: UserBounds = { events: MAX_EVENTS_PER_USER, chars: MAX_CHARS_PER_USER };

function addRow(reading: Reading, { tenantId, seal, bounds = USUAL_BOUNDS }: HistoriesQuery, row: EventRow): void {
  const [userId, time, key, type, eventId, receivedAt, properties, traits, ...rest] = row;
  const [emittedBy, catalogVersion, hasFired, hasTraitChange, decisions, sealed, excerptText, contextText] = rest;
  if (reading.events.length >= bounds.events || reading.chars >= bounds.chars) {
    reading.left++;
    return;
  }
  reading.chars += sizeOf(row);
  const original = open(seal, sealed, documentRow('events', tenantId, userId, key));
  const excerpt = excerptText === null ? undefined : (JSON.parse(excerptText) as Excerpt);
  const content = original ?? excerpt ?? { properties: parseObject(properties), traits: parseObject(traits) };
  const context =
    (original?.context as JsonObject | undefined) ?? (contextText === null ? undefined : parseObject(contextText));
  let unpacked: readonly Decision[] | undefined;
  const event: StoredEvent = {
    tenantId,
    userId,
    eventId,
    key,
    type,
    time,
    properties: content.properties as JsonObject,
    traits: content.traits as JsonObject,
    ...(context && { context: toReadableContext(context) }),
    ...(sealed && !original && { unreadable: true as const }),
    receivedAt,
    catalogVersion,
    // A caller may write the field into an envelope, but would have to construct such an ID on purpose.
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
  if (excerpt) reading.large.push({ event, excerpt });
}

/** Returns the size of an event in characters of JSON, about. */
function sizeOf(row: EventRow): number {
  let size = 0;
  for (const value of row) if (typeof value === 'string' || value instanceof Buffer) size += value.length;
  return size;
}

/** Returns how many events to fetch after these. */
function adaptCount(rows: readonly EventRow[]): number {
  const size = rows.reduce((sum, row) => sum + sizeOf(row), 0);
  const fitting = Math.floor((rows.length * FETCH_CHARS) / Math.max(1, size));
  return Math.max(1, Math.min(MAX_EVENTS_PER_FETCH, fitting));
}

/**
 * Completes the large events of these users whose excerpts leave out a field that the replay looks at. If not all
 * can be read, the user counts as one with events left.
 */
async function completeLargeEvents(
  connection: pg.PoolClient,
  { tenantId, seal, namedFields }: HistoriesQuery,
  whole: readonly Reading[],
): Promise<void> {
  for (const reading of whole) {
    if (reading.large.length === 0 || reading.left > 0) continue;
    const named = namedFields?.();
    const namedOf = ({ type }: StoredEvent) => named?.of(type) ?? ALL_FIELDS;
    const missing = reading.large.filter(({ event, excerpt }) => !hasNamedFields(excerpt, namedOf(event)));
    const asked = missing.map(({ event: { userId, time, key }, excerpt: { size } }) => ({ userId, time, key, size }));
    let done = 0;
    for await (const chunk of readContents(connection, tenantId, asked, 0)) {
      for (const { index, content, sealed } of chunk) {
        const { event, excerpt } = missing[index] as ReadLargeEvent;
        const row = documentRow('events', tenantId, event.userId, event.key);
        const original = sealed ? open(seal, sealed, row) : content;
        if (original) {
          const fields = keepNamedFields(original as unknown as Content, namedOf(event));
          event.properties = { ...excerpt.properties, ...fields.properties };
          event.traits = { ...excerpt.traits, ...fields.traits };
          const context = 'context' in original ? (original.context as JsonObject) : undefined;
          if (context) event.context = toReadableContext(context);
        } else event.unreadable = true;
        done++;
      }
    }
    reading.left += missing.length - done;
  }
}

const ALL_FIELDS = new NamedFields([['event'], ['traits'], ['context']]);

function open(seal: Seal | undefined, sealed: Buffer | null, row: DocumentRow): JsonObject | undefined {
  return sealed === null || !seal ? undefined : openDocument(seal, sealed, row);
}

function parseObject(text: string): JsonObject {
  return text === '{}' ? {} : JSON.parse(text);
}

/** Loads the remaining data of these users, whose IDs are consecutive. */
async function loadRemaining(
  connection: pg.PoolClient,
  query: HistoriesQuery,
  whole: readonly Reading[],
): Promise<HistoriesPage> {
  const { tenantId, since, until, includeIdle, seal, restoreAddresses } = query;
  await completeLargeEvents(connection, query, whole);
  const between = [tenantId, whole[0]?.userId, whole.at(-1)?.userId];
  const profiles = new Map<string, Profile>();
  const termsOf = new Map<string, Terms>();
  const hashesOf = new Map<string, StoredHistory['addressHashes']>();
  const users = await connection.query({ text: SELECT_USERS, values: between });
  for (const { user_id, traits, trait_times, sealed, terms, address_hashes } of users.rows) {
    hashesOf.set(user_id, address_hashes);
    if (terms !== null) termsOf.set(user_id, terms);
    const original = open(seal, sealed, documentRow('users', tenantId, user_id));
    profiles.set(user_id, original ? (original as unknown as Profile) : { traits, traitTimes: trait_times });
  }
  const addresses =
    seal && restoreAddresses
      ? await loadAddressTraits(connection, seal, tenantId, whole)
      : new Map<string, JsonObject>();
  const waits = new Map<string, StoredWait[]>();
  const withManyWaits = new Set<string>();
  for (const row of (await connection.query<WaitRow>({ text: SELECT_WAITS, values: [...between, isoTime(until)] }))
    .rows) {
    if (row.state) appendTo(waits, row.user_id, toStoredWait({ ...row, state: row.state }, until, tenantId, seal));
    else withManyWaits.add(row.user_id);
  }
  const leftOut = whole.filter(({ userId, left }) => left > 0 || withManyWaits.has(userId)).map(({ userId }) => userId);
  const uses = new Map<string, StoredUse[]>();
  for (const { user_id, limit_key, bucket, slot, event_time, event_id, notification_id } of (
    await connection.query({ text: SELECT_USES, values: between })
  ).rows) {
    const use = { bucket, slot, at: event_time, eventId: event_id, notificationId: notification_id };
    appendTo(uses, user_id, { ...use, limitKey: limit_key });
  }
  const histories: StoredHistory[] = [];
  for (const { userId, events: stored, left } of whole) {
    const known = addresses.get(userId);
    const events = known ? stored.map((event) => withKnownAddresses(event, known)) : stored;
    const own = waits.get(userId) ?? [];
    const hasNews =
      events.some(({ receivedAt }) => receivedAt >= since) ||
      own.some(({ endedAt }) => endedAt === null || endedAt >= since);
    if (left > 0 || withManyWaits.has(userId) || !(hasNews || includeIdle)) continue;
    const profile = profiles.get(userId) ?? { traits: {}, traitTimes: {} };
    const terms = termsOf.get(userId) ?? NO_TERMS;
    const addressHashes = hashesOf.get(userId) ?? {};
    histories.push({ userId, profile, terms, addressHashes, events, waits: own, uses: uses.get(userId) ?? [] });
  }
  return { histories, users: whole.length, leftOut };
}

/** Returns the current addresses of these users by user ID: as traits, under the mask that each has. */
async function loadAddressTraits(
  connection: pg.PoolClient,
  seal: Seal,
  tenantId: string,
  users: readonly Reading[],
): Promise<Map<string, JsonObject>> {
  const userIds = users.map(({ userId }) => userId);
  const known = new Map<string, JsonObject>();
  for (const { userId, kind, sealed } of await loadSealedAddresses(connection, tenantId, userIds)) {
    const address = openAddress(seal, sealed, tenantId, userId, kind);
    if (address === undefined) continue;
    known.set(userId, { ...known.get(userId), [`${kind} ${maskAddressTrait(kind, address)}`]: address });
  }
  return known;
}

/** Returns an event that was stored without its original with the addresses that its masks stand for, as far as known. */
function withKnownAddresses(event: StoredEvent, known: JsonObject): StoredEvent {
  let { traits } = event;
  for (const [trait, kind] of Object.entries(ADDRESS_TRAITS)) {
    const address = known[`${kind} ${traits[trait]}`];
    if (address !== undefined) traits = { ...traits, [trait]: address };
  }
  return traits === event.traits ? event : { ...event, traits };
}

const SELECT_USERS = `
select user_id, traits, trait_times, sealed, terms, address_hashes from users where tenant_id = $1 and user_id between $2 and $3`;

const SELECT_USES = `
select user_id, limit_key, bucket, slot, event_time, event_id, notification_id::text from limit_uses
where tenant_id = $1 and user_id between $2 and $3`;

const SELECT_WAITS = `
select user_id, wait_id::text, rule, key, kind, catalog_version, ended_version, status, began_at, due_at, trigger_time, ended_at,
       case when fits then state end as state, case when fits then sealed end as sealed,
       case when fits then decisions end as decisions
from (
  select waits.*, sum(
      octet_length(state::text) + coalesce(octet_length(sealed), 0) + coalesce(octet_length(decisions::text), 0)
    ) over (partition by user_id order by wait_id) < ${MAX_WAIT_BYTES_PER_USER} as fits
  from waits where tenant_id = $1 and user_id between $2 and $3 and began_at < $4
) as found`;

interface WaitRow {
  readonly user_id: string;
  readonly wait_id: string;
  readonly rule: string;
  readonly key: string;
  readonly kind: WaitKind;
  readonly catalog_version: number;
  readonly ended_version: number | null;
  readonly status: StoredWait['status'];
  readonly began_at: Millis;
  readonly due_at: Millis;
  readonly trigger_time: Millis;
  readonly ended_at: Millis | null;
  /** Null beyond the bound. */
  readonly state: WaitState | null;
  readonly sealed: Buffer | null;
  readonly decisions: readonly StoredDecision[] | null;
}

function toStoredWait(
  row: WaitRow & { readonly state: WaitState },
  until: Millis,
  tenantId: string,
  seal: Seal | undefined,
): StoredWait {
  const { wait_id: waitId, rule, key, kind, sealed } = row;
  const state =
    sealed && seal ? openState(seal, sealed, tenantId, { userId: row.user_id, waitId, state: row.state }) : row.state;
  const isOpen = row.ended_at === null || row.ended_at >= until;
  return {
    waitId,
    rule,
    key,
    kind,
    catalogVersion: row.catalog_version,
    endedVersion: isOpen ? null : row.ended_version,
    status: isOpen ? 'waiting' : row.status,
    beganAt: row.began_at,
    dueAt: row.due_at,
    triggerTime: row.trigger_time,
    endedAt: isOpen ? null : row.ended_at,
    state,
    decisions: isOpen ? [] : unpackDecisions(row.decisions ?? [], waitId, state.trigger.eventId),
  };
}
