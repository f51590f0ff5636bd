import type pg from 'pg';
import type { Catalog, Catalogs } from './catalog/catalogs.ts';
import type { Outgoing, Provider } from './channels/provider.ts';
import { TidingsError } from './errors.ts';
import { jsonText } from './events/content.ts';
import { isRejection, type ReceivedEvent, type Rejection, readEvent } from './events/envelope.ts';
import { contestedTraits, isChanged, mergeTraits } from './events/profile.ts';
import { addressPurpose, Reach } from './events/reach.ts';
import { newId } from './ids.ts';
import { Lanes } from './lanes.ts';
import type { Channel, Decision, Event, JsonObject, Message, Millis, Profile, SendOutcome } from './model.ts';
import { planNotification } from './plan/plan.ts';
import { redact, storableText } from './privacy/mask.ts';
import type { Seal } from './privacy/seal.ts';
import { renderMessage } from './render/template.ts';
import { decide, type Send } from './rules/decide.ts';
import type { PersonFacts } from './rules/facts.ts';
import { historyNeeds, limitNeeds } from './rules/rule-set.ts';
import { type Batch, commit, writeBatch } from './store/batch.ts';
import { isRefusedValue, isUnreachable, timestamp, untilCommitted } from './store/database.ts';
import type { ClaimedDelivery } from './store/deliveries.ts';
import { type ContestedTrait, confirmTraitTimes, type Facts, loadFacts, lockAndLoadFacts } from './store/facts.ts';
import type { Partitions } from './store/partitions.ts';
import { quarantine } from './store/rejected.ts';

/**
 * The whole way of an event, top to bottom:
 *
 *   ingest    read ─▶ [ lock the people ─▶ load facts ─▶ decide ─▶ plan ─▶ write ]  ─▶ answer
 *   dispatch  (a worker claimed a delivery)  address ─▶ render ─▶ send  ─▶ outcome
 *
 * What stands in brackets is one transaction for a batch of up to MAX_BATCH events; the answer goes out after its commit.
 */
export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #lanes: Lanes<unknown, EventResult>;
  /** Batches yet to come that look up whether their events are stored. */
  #lookUps = 0;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    // Two lanes: while PostgreSQL works for the one, this process works for the other.
    this.#lanes = new Lanes((tenantId, items) => this.#takeIn(tenantId, items), {
      lanes: 2,
      maxBatch: MAX_BATCH,
      maxWaiting: parts.maxWaiting ?? 20_000,
    });
  }

  /** Takes in the items of one request; a result for each, in order. Throws `overloaded` or `unavailable`: send it again. */
  async ingest(tenantId: string, items: readonly unknown[]): Promise<EventResult[]> {
    const results = await this.#guard(() => this.#lanes.submit(tenantId, items, personOf));
    await this.#guard(() => this.#quarantine(tenantId, items, results));
    return results;
  }

  /** One batch, read only now: what waits takes no more memory than its JSON. */
  async #takeIn(tenantId: string, items: readonly unknown[]): Promise<EventResult[]> {
    const read = await this.#read(tenantId, items);
    const events = read.filter((one): one is ReceivedEvent => !isRejection(one));
    const decided = events.length > 0 ? await this.#decideBatch(tenantId, events) : [];
    let next = 0;
    return read.map((one, index) =>
      isRejection(one) ? rejected(items[index], one) : (decided[next++] as EventResult),
    );
  }

  async #read(tenantId: string, items: readonly unknown[]): Promise<(ReceivedEvent | Rejection)[]> {
    const { catalogs } = this.#parts;
    const { version, check } = await catalogs.active(tenantId);
    const read = items.map((item) => readEvent(tenantId, item, check));
    if (!read.some((one) => isRejection(one) && one.code === 'schema_mismatch')) return read;
    // Another process may have applied a catalog that they fit.
    const latest = await catalogs.refresh(tenantId);
    return latest.version === version ? read : items.map((item) => readEvent(tenantId, item, latest.check));
  }

  /** Resolves when everything taken in has been answered. */
  async drain(): Promise<void> {
    await this.#lanes.idle();
  }

  async #decideBatch(tenantId: string, events: readonly ReceivedEvent[]): Promise<readonly EventResult[]> {
    const { pool, partitions, clock } = this.#parts;
    const now = clock();
    try {
      await partitions.ensureEvents(
        events.map((event) => event.time),
        now,
      );
      return await untilCommitted(pool, (connection, attempt) => {
        // Repeated events are rare: their keys refuse them, and only then are they looked up, for a while.
        if (attempt > 1) this.#lookUps = LOOK_UPS;
        return this.#decideInTransaction(connection, tenantId, events, now, this.#lookUps-- > 0);
      });
    } catch (error) {
      if (!isRefusedValue(error)) throw error;
      // The database cannot keep one of these values. The others are not to blame: find it by halves.
      if (events.length === 1) {
        const message = 'This event holds a value that cannot be stored';
        return events.map((event) => ({ ...emptyResult(event.eventId, 'rejected'), code: 'invalid_content', message }));
      }
      const half = Math.ceil(events.length / 2);
      const first = await this.#decideBatch(tenantId, events.slice(0, half));
      return [...first, ...(await this.#decideBatch(tenantId, events.slice(half)))];
    }
  }

  async #decideInTransaction(
    connection: pg.PoolClient,
    tenantId: string,
    events: readonly ReceivedEvent[],
    now: Millis,
    lookUp: boolean,
  ): Promise<EventResult[]> {
    const userIds = [...new Set(events.map((event) => event.userId))];
    let catalog = await this.#parts.catalogs.active(tenantId);
    let facts = await lockAndLoadFacts(connection, factsQuery(catalog, tenantId, userIds, events, lookUp));
    while (facts.catalogVersion !== catalog.version) {
      // Another process applied a catalog: its rules may need other facts.
      catalog = await this.#parts.catalogs.adopt(tenantId, facts.catalogVersion);
      facts = await loadFacts(connection, factsQuery(catalog, tenantId, userIds, events, lookUp));
    }
    const { results, fresh } = sortOut(events, facts);
    if (fresh.length > 0) {
      const reach = new Reach(tenantId, facts.addressHashes, this.#parts.seal);
      await confirmTraitTimes(connection, tenantId, contested(fresh, facts, reach));
      const batch = decideFresh(catalog, tenantId, fresh, facts, reach, now);
      batch.events.forEach(({ event, decisions }) => {
        results.set(event, { ...emptyResult(event.eventId, 'accepted'), decisions });
      });
      await writeBatch(connection, batch);
    } else {
      await commit(connection);
    }
    return events.map((event) => answerFor(event, results));
  }

  async #quarantine(tenantId: string, items: readonly unknown[], results: readonly EventResult[]): Promise<void> {
    const refused = results.flatMap((result, index) =>
      result.status === 'rejected' || result.status === 'conflict' ? [{ item: items[index], result }] : [],
    );
    if (refused.length === 0) return;
    const { pool, seal, clock } = this.#parts;
    await quarantine(pool, seal, tenantId, refused, clock());
  }

  /** A database that cannot be reached is no fault of the caller's or of the program: 503, and nothing was taken in. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      throw new TidingsError('unavailable', 'The events were not stored; send them again.', {
        retryAfter: 2,
        cause: error,
      });
    }
  }

  /** One call to a provider for a delivery that the caller holds the lease of. Throws only on a bug. */
  async dispatch(delivery: ClaimedDelivery, signal: AbortSignal): Promise<Dispatched> {
    const { catalogs, seal, providers } = this.#parts;
    const { tenantId, notificationType, channel, userId } = delivery;
    const provider = providers.get(channel) as Provider;
    let to: string | undefined;
    const kind = ADDRESS_OF[channel];
    if (kind) {
      if (!delivery.address) return { provider, outcome: { kind: 'undeliverable', missing: kind } };
      to = seal.open(delivery.address.sealed, addressPurpose(tenantId, userId, kind));
    }
    const { activeCatalog, catalogVersion } = delivery;
    const catalog = await catalogs.forNotification(tenantId, notificationType, activeCatalog, catalogVersion);
    const template = catalog.template(notificationType, channel, delivery.locale);
    const { about, ...data } = delivery.data;
    const notification = {
      id: delivery.notificationId,
      type: notificationType,
      channel,
      user_id: userId,
      ...(about as JsonObject),
    };
    const rendered = renderMessage(template, { ...data, notification });
    if ('error' in rendered) {
      return { provider, outcome: { kind: 'rejected', reason: `the template failed: ${rendered.error}` } };
    }
    const { message } = rendered;
    const outgoing: Outgoing = {
      tenantId,
      notificationId: delivery.notificationId,
      notificationType,
      channel,
      userId,
      ...(to === undefined ? {} : { to }),
      message,
      idempotencyKey: `${delivery.notificationId}.${channel}`,
      attempt: delivery.attempt,
    };
    try {
      return { provider, outcome: redacted(await provider.send(outgoing, signal)), message };
    } catch (error) {
      throw redactedError(error);
    }
  }
}

export interface PipelineParts {
  readonly pool: pg.Pool;
  readonly catalogs: Catalogs;
  readonly partitions: Partitions;
  readonly seal: Seal;
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly clock: () => Millis;
  /** Events that may wait to be decided before more are refused. */
  readonly maxWaiting?: number;
}

/** What became of one event of a request. */
export interface EventResult {
  readonly eventId: string | null;
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'conflict';
  readonly decisions: readonly Decision[];
  /** For `rejected` and `conflict`. */
  readonly code?: Rejection['code'];
  readonly path?: string;
  readonly message?: string;
}

export interface Dispatched {
  readonly provider: Provider;
  readonly outcome: SendOutcome | { readonly kind: 'undeliverable'; readonly missing: 'email' | 'phone' };
  /** As it was sent, where it was rendered. */
  readonly message?: Message;
}

/** Bounds the advisory locks of a transaction and the memory of a statement. */
const MAX_BATCH = 1000;

/** After a repeated event, how many batches expect more of them. */
const LOOK_UPS = 100;

/** The address a channel needs. The others reach the person, or our own people, without one. */
const ADDRESS_OF: { readonly [channel in Channel]?: 'email' | 'phone' } = { email: 'email', sms: 'phone' };

/** Whose turn an item waits for; it is not yet checked. */
function personOf(item: unknown): string {
  const id = (item as { user_id?: unknown } | null)?.user_id;
  return typeof id === 'string' ? id : '';
}

/** A provider may quote the address, and anything else: what it says is kept, logged and shown. */
function redacted(outcome: SendOutcome): SendOutcome {
  const { response, ...rest } = outcome;
  const said = response === undefined ? {} : { response: redact(response) };
  if (rest.kind !== 'delivered') return { ...rest, ...said, reason: redact(rest.reason) };
  const { kind, providerMessageId: id } = rest;
  // A message id may look like an address, and is none.
  return { kind, ...said, ...(id === undefined ? {} : { providerMessageId: storableText(id.slice(0, 500)) }) };
}

/** A bug in a provider is told with its place, but what it quotes is masked before anybody can log it. */
function redactedError(error: unknown): Error {
  const told = new Error(redact(String(error)));
  if (error instanceof Error && error.stack) told.stack = redact(error.stack, 2000);
  return told;
}

function factsQuery(
  catalog: Catalog,
  tenantId: string,
  userIds: string[],
  events: readonly ReceivedEvent[],
  lookUp: boolean,
) {
  return {
    tenantId,
    userIds,
    events: lookUp ? events : [],
    history: events.flatMap(({ userId, type, time }) =>
      historyNeeds(catalog.rules, type, time).map((need) => ({ userId, need })),
    ),
    limits: events.flatMap((event) => limitNeeds(catalog.rules, event).map((need) => ({ userId: event.userId, need }))),
  };
}

/** Decides and plans in memory, in order of event time; nothing here waits. */
function decideFresh(
  catalog: Catalog,
  tenantId: string,
  fresh: readonly ReceivedEvent[],
  facts: Facts,
  reach: Reach,
  now: Millis,
): Batch {
  const batch = emptyBatch(tenantId, now, catalog.version);
  const stored = new Map<PersonFacts, Profile>();
  for (const event of [...fresh].sort((a, b) => a.time - b.time)) {
    const person = facts.people.get(event.userId) as PersonFacts;
    const before = person.profile;
    if (!stored.has(person)) stored.set(person, before);
    person.profile = mergeTraits(before, event.traits, event.time);
    reach.merge(before, person.profile, event);

    const { decisions, sends, uses } = decide(catalog.rules, person, event, now, newId);
    batch.events.push({ event, decisions });
    for (const use of uses) batch.uses.push({ ...use, userId: event.userId });
    for (const send of sends) planSend(catalog, batch, send, person, now);
  }
  for (const [{ userId, profile }, before] of stored) {
    const isNew = !facts.addressHashes.has(userId);
    if (!isNew && !reach.hasChanged(userId) && !isChanged(before, profile)) continue;
    batch.profiles.push({ userId, profile, addressHashes: reach.hashes(userId), isNew });
  }
  batch.addresses.push(...reach.changed());
  return batch;
}

/** What the events would change of profiles that are known: see confirmTraitTimes. */
function contested(fresh: readonly ReceivedEvent[], facts: Facts, reach: Reach): ContestedTrait[] {
  const all: ContestedTrait[] = [];
  for (const event of fresh) {
    const person = facts.people.get(event.userId) as PersonFacts;
    for (const trait of contestedTraits(person.profile, event.traits, event.time))
      all.push({ person, trait, at: event.at });
    for (const trait of reach.contested(person.profile, event)) all.push({ person, trait, at: event.at });
  }
  return all;
}

/** Which events are new; the answer for those that are stored already. */
function sortOut(events: readonly ReceivedEvent[], facts: Facts) {
  const results = new Map<ReceivedEvent, EventResult | ReceivedEvent>();
  const fresh: ReceivedEvent[] = [];
  const inBatch = new Map<string, ReceivedEvent>();
  events.forEach((event, index) => {
    const twin = inBatch.get(event.key);
    const storedHash = twin?.contentHash ?? facts.contentHashes.get(event.key);
    const stored = facts.stored.get(index);
    if (storedHash !== undefined && storedHash !== event.contentHash) {
      results.set(event, {
        ...emptyResult(event.eventId, 'conflict'),
        code: 'event_id_conflict',
        path: 'event_id',
        message: 'event_id is already stored with other content; a new event needs an id of its own',
      });
    } else if (twin) {
      results.set(event, twin);
    } else if (stored || storedHash !== undefined) {
      results.set(event, { ...emptyResult(event.eventId, 'duplicate'), decisions: stored ?? [] });
    } else {
      inBatch.set(event.key, event);
      fresh.push(event);
    }
  });
  return { results, fresh };
}

/** A repetition within the batch answers what the first of its kind became. */
function answerFor(event: ReceivedEvent, results: Map<ReceivedEvent, EventResult | ReceivedEvent>): EventResult {
  const result = results.get(event) as EventResult | ReceivedEvent;
  if ('status' in result) return result;
  return { ...(results.get(result) as EventResult), status: 'duplicate' };
}

function planSend(catalog: Catalog, batch: Mutable<Batch>, send: Send, person: PersonFacts, now: Millis): void {
  const { decision, trigger } = send;
  const type = catalog.notification(decision.notification_type);
  const notificationId = decision.notification_id as string;
  batch.notifications.push({
    userId: person.userId,
    notificationId,
    type: type.name,
    category: type.category,
    rule: decision.rule,
    decisionId: decision.decision_id,
    eventId: trigger.eventId,
    dataText: dataText(trigger, person),
  });
  for (const plan of planNotification(type, now)) {
    batch.deliveries.push({ userId: person.userId, notificationId, type: type.name, ...plan });
  }
}

/** What its templates may show. The event that was just read has its text already; one that waited in the database has not. */
function dataText(trigger: Event | ReceivedEvent, person: PersonFacts): string {
  const read = 'propertiesText' in trigger;
  const properties = read ? trigger.propertiesText : jsonText(trigger.properties);
  const traits = read ? trigger.traitsText : jsonText(trigger.traits);
  const about = jsonText({ event_type: trigger.type, event_timestamp: timestamp(trigger.time) });
  return `{"event":${properties},"traits":${traits},"user":${jsonText(person.profile.traits)},"about":${about}}`;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer U)[] ? U[] : T[K] };

function emptyBatch(tenantId: string, now: Millis, catalogVersion: number): Mutable<Batch> {
  return {
    tenantId,
    now,
    catalogVersion,
    events: [],
    profiles: [],
    addresses: [],
    uses: [],
    notifications: [],
    deliveries: [],
  };
}

function emptyResult(eventId: string | null, status: EventResult['status']): EventResult {
  return { eventId, status, decisions: [] };
}

function rejected(item: unknown, { code, path, message }: Rejection): EventResult {
  const id = (item as { event_id?: unknown } | null)?.event_id;
  return {
    ...emptyResult(typeof id === 'string' ? id.slice(0, 256).toWellFormed() : null, 'rejected'),
    code,
    path,
    message,
  };
}
