import type pg from 'pg';
import type { Logger } from 'pino';
import type { ActiveCatalogs } from '../catalog/cache.ts';
import { adviseOnOwn } from '../catalog/lifecycle-events.ts';
import { TidingsError } from '../errors.ts';
import { isRejection, type ReceivedEvent, type Rejection } from '../events/envelope.ts';
import { tellEnvelope } from '../events/envelopes/kinds.ts';
import { withTraceparent } from '../events/envelopes/traceparent.ts';
import { getBeside, isOwn } from '../events/own-events.ts';
import { type EventRules, parseItem } from '../events/parse-item.ts';
import { bisect } from '../lib/bisect.ts';
import type { Millis } from '../model/event.ts';
import type { ActiveVersion } from '../model/release.ts';
import { batched, ingested } from '../observe/happenings.ts';
import { findTrace, isTracing, noteTrace } from '../observe/trace-context.ts';
import { Announcer } from '../store/pg/announcer.ts';
import { isInvalidValueError, isItemError, isTransient } from '../store/pg/errors.ts';
import type { Partitions } from '../store/pg/partitions.ts';
import { withTransactionRetry } from '../store/pg/transaction.ts';
import { quarantine } from '../store/rejected.ts';
import { isReleasedTo, isSameActive } from '../store/releases/active-version.ts';
import { DAY_MS, LAST_TIME } from '../time/iso-time.ts';
import { MicroBatcher } from './batcher.ts';
import { CpuBudgetError, type CpuLimits } from './bounds/cpu-budget.ts';
import { SlowLane } from './bounds/slow-lane.ts';
import { InOrder, type OrderedBatch, type OrderedCounts } from './in-order.ts';
import { ingestEvents } from './ingest-events.ts';
import { type MergeRequest, type MergeView, mergeUsers } from './merge-users.ts';
import { previewEvents } from './preview-events.ts';
import { type EventResult, emptyResult, toRejectedResult } from './results.ts';
import { fireFailing } from './timers/fire-failing.ts';
import { fireSlowly } from './timers/fire-slowly.ts';
import { type DueWaits, fireDueWaits, setAsideDueWaits } from './timers/fire-waits.ts';
import { type MigratedWaits, migrateWaits } from './timers/migrate-waits.ts';
import { type Occurrence, runSchedule } from './timers/run-schedule.ts';
import { SlowTimers } from './timers/slow-timers.ts';
import type { TransactionParts } from './transaction.ts';

export interface PipelineParts extends Omit<TransactionParts, 'announcer'> {
  readonly pool: pg.Pool;
  /** Absent: one of its own. */
  readonly announcer?: Announcer;
  readonly partitions: Partitions;
  readonly log: Pick<Logger, 'error'>;
  /** Longest time (ms) that an event time may lie in the future. Default 24 hours. */
  readonly maxFuture?: Millis;
  /** Bounds of the CPU time of a transaction: of a batch, and about one costly user. Default SHARED_CPU, for timers TIMERS_CPU, and SLOW_CPU. */
  readonly cpu?: { readonly shared: CpuLimits; readonly slow: CpuLimits };
  /** Events that may be waiting or under way at once; beyond it requests are rejected. Default 20,000. */
  readonly maxWaiting?: number;
}

/** Batches that are decided at once: while PostgreSQL works for one, this process works for another. */
const SHARDS = 4;

/** Bounds the advisory locks of a transaction and the memory of a statement. */
const MAX_BATCH_EVENTS = 1000;

const MAX_WAITING_EVENTS = 20_000;

/** Bodies of the requests that wait at once; their parsed content takes up to twenty times as much memory. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Earlier times come from unset fields (0001-01-01, 1900-01-01), not from events. */
const FIRST_EVENT_TIME: Millis = 0;

const MAX_FUTURE_MS: Millis = DAY_MS;

/** Batches that check for duplicates after one that failed on a duplicate. */
const DUPLICATE_CHECK_BATCHES = 100;

/** Bound of what one user may cost the others of a batch. */
const SHARED_CPU: CpuLimits = { perUser: 250, total: 3000 };

/** Bound of firing waits, and of running a schedule: so long the timers of other users may wait. */
const TIMERS_CPU: CpuLimits = { perUser: 250, total: 1000 };

/** Bound of a transaction about one user whose history is costly: so long other processes may wait for this user's lock. */
const SLOW_CPU: CpuLimits = { perUser: 1000, total: 1000 };

/** Transactions about one user that may fail on SLOW_CPU before what is left of a request is rejected; 1000 events need ten. */
const MAX_CPU_FAILURES = 24;

const REJECTION_MESSAGES = {
  too_costly: `Deciding this event takes more than ${SLOW_CPU.perUser} ms of CPU time, because of the many events of its user that rules compare it with. It is in the quarantine; narrow the windows of these rules, then retry it`,
  invalid_content: 'This event holds a value that cannot be stored',
  undecidable:
    'Deciding this event failed because of a bug in Tidings. It is in the quarantine; retry it after an update',
};

/**
 * The ways in which something is decided. Each is one transaction over a batch of up to MAX_BATCH_EVENTS events or users:
 *
 *   ingest        parse ─▶ [ lock users ─▶ load facts ─▶ decide events   ─▶ plan ─▶ write ] ─▶ results
 *   fireDueWaits        ─▶ [ lock users ─▶ load facts ─▶ fire waits      ─▶ plan ─▶ write ]
 *   runSchedule         ─▶ [ lock users ─▶ load facts ─▶ run occurrences ─▶ plan ─▶ write ]
 *   migrateWaits        ─▶ [ lock users ─▶ load facts ─▶ move waits      ─▶         write ]
 *
 * The brackets are in ingest-events.ts, fire-waits.ts, run-schedule.ts and migrate-waits.ts; transaction.ts has the steps they share.
 */
export class Pipeline {
  readonly #parts: PipelineParts & TransactionParts;
  readonly #batcher: MicroBatcher<unknown, EventResult>;
  readonly #slowLane: SlowLane;
  readonly #slowTimers: SlowTimers;
  #inOrder: InOrder | undefined;
  /** Batches to come that check for duplicates. */
  #duplicateCheckBatches = 0;

  constructor(parts: PipelineParts) {
    this.#parts = { ...parts, announcer: parts.announcer ?? new Announcer(parts.pool) };
    this.#slowLane = new SlowLane((tenantId, events) => this.#ingestSlowly(tenantId, events), parts.clock);
    this.#slowTimers = new SlowTimers((tenantId, userId) => this.#fireSlowly(tenantId, userId), parts.clock, parts.log);
    this.#batcher = new MicroBatcher((tenantId, items) => this.#tellBatch(tenantId, items), {
      shards: SHARDS,
      maxBatch: MAX_BATCH_EVENTS,
      maxWaiting: parts.maxWaiting ?? MAX_WAITING_EVENTS,
      maxBytes: MAX_WAITING_BYTES,
    });
  }

  /**
   * Ingests the items of one request. Returns a result for each item, in their order, when all of them are stored or
   * rejected. What one request says of a user is decided together.
   * @param quarantineRejected whether rejected items are kept in the quarantine
   * @param bytes size of the request body
   * @throws TidingsError `overloaded` or `unavailable`: the caller may send the request again
   */
  async ingest(
    tenantId: string,
    items: readonly unknown[],
    quarantineRejected = true,
    bytes = 0,
  ): Promise<EventResult[]> {
    if (isTracing()) noteTrace(items);
    try {
      const keyOf = items.some(isForeign)
        ? (await this.#parts.catalogs.getActive(tenantId)).mappings.getUserId
        : getUserId;
      const results = await this.#batcher.submit(tenantId, items, keyOf, bytes);
      if (ingested.hasSubscribers) ingested.publish({ tenantId, results });
      if (quarantineRejected) await this.#quarantineRejected(tenantId, items, results);
      return results;
    } catch (error) {
      if (!isTransient(error)) throw error;
      const message = 'The events were not stored; send them again.';
      throw new TidingsError('unavailable', message, { retryAfter: 2, cause: error });
    }
  }

  /** Decides the items of one request as `ingest` does, and stores nothing. Returns a result for each item, in their order. */
  async preview(tenantId: string, items: readonly unknown[]): Promise<EventResult[]> {
    const parsed = await this.#parseItems(tenantId, items);
    const events = parsed.filter((one): one is ReceivedEvent => !isRejection(one));
    const results = await withTransactionRetry(this.#parts.pool, (connection) =>
      previewEvents(this.#parts, connection, tenantId, events),
    );
    let next = 0;
    return parsed.map((one, index) =>
      isRejection(one) ? toRejectedResult(items[index], one) : (results[next++] as EventResult),
    );
  }

  /**
   * Decides a stretch of a stream in its order, and moves its position in the same transactions. See in-order.ts.
   * @param isRepeated whether some of it may be stored already
   */
  ingestInOrder(batch: OrderedBatch, isRepeated: boolean): Promise<OrderedCounts> {
    // Made at the first use: a process without streams does not need it.
    this.#inOrder ??= new InOrder({
      ...this.#parts,
      shared: this.#parts.cpu?.shared ?? SHARED_CPU,
      slow: this.#parts.cpu?.slow ?? SLOW_CPU,
      parse: (tenantId, items) => this.#parseItems(tenantId, items),
      rejectFailed: (event, error) => this.#rejectFailed(event, error),
    });
    return this.#inOrder.ingest(batch, isRepeated);
  }

  /** Whether so many events of requests wait that streams wait for them. */
  get isBusy(): boolean {
    return this.#batcher.waiting > (this.#parts.maxWaiting ?? MAX_WAITING_EVENTS) / 4;
  }

  /** Events that are waiting or under way. */
  get waiting(): number {
    return this.#batcher.waiting;
  }

  /** Resolves when every request has its results, and its work has been announced to the workers. */
  async drain(): Promise<void> {
    await this.#batcher.idle();
    await this.#slowTimers.idle();
    await this.#parts.announcer.flush();
  }

  /**
   * Fires the waits of these users that are due; returns their number. See fire-waits.ts. Those of costly users
   * are fired apart (see `SlowTimers`): they do not count, and are not waited for. So are those of a user whose waits
   * fail together, one by one: see fire-failing.ts.
   * @throws the error of a database that cannot be reached, or one of which it is not known which of several users is the cause
   */
  async fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number> {
    const isSlow = (userId: string) => this.#slowTimers.has(tenantId, userId) || this.#slowLane.has(tenantId, userId);
    const slow = userIds.filter(isSlow);
    for (const userId of slow) this.#slowTimers.submit(tenantId, userId);
    const others = slow.length === 0 ? userIds : userIds.filter((userId) => !isSlow(userId));
    if (others.length === 0) return 0;
    try {
      return await this.#fireInTransaction({ tenantId, userIds: others }, this.#parts.cpu?.shared ?? TIMERS_CPU);
    } catch (error) {
      if (!(error instanceof CpuBudgetError)) {
        const [userId] = others;
        if (isTransient(error) || userId === undefined || others.length > 1) throw error;
        this.#slowTimers.submit(tenantId, userId);
        return 0;
      }
      // Without a user, all of them together took too long: the timers of others must not wait while they are taken apart.
      const costly = error.userId === undefined ? others : [error.userId];
      for (const userId of costly) this.#slowTimers.submit(tenantId, userId);
      const left = others.filter((userId) => !costly.includes(userId));
      return this.fireDueWaits(tenantId, left);
    }
  }

  #fireInTransaction(due: Omit<DueWaits, 'checkDuplicates'>, limits: CpuLimits): Promise<number> {
    return withTransactionRetry(this.#parts.pool, (connection, attempt) =>
      fireDueWaits(this.#parts, connection, { ...due, checkDuplicates: attempt > 1 }, limits),
    );
  }

  /** Fires the due waits of a costly user, and ends those that are too costly alone; if that fails, one by one. */
  async #fireSlowly(tenantId: string, userId: string): Promise<void> {
    const { pool, clock, log, catalogs } = this.#parts;
    const limits = this.#parts.cpu?.slow ?? SLOW_CPU;
    const due = { tenantId, userIds: [userId] };
    const setAside = (some: Pick<DueWaits, 'max' | 'only'>) =>
      withTransactionRetry(pool, (connection) =>
        setAsideDueWaits(this.#parts, connection, { ...due, ...some, checkDuplicates: false }),
      );
    try {
      await fireSlowly({
        fire: (max) => this.#fireInTransaction({ ...due, max }, limits),
        setAside: (max) => setAside({ max }),
      });
    } catch (error) {
      if (isTransient(error)) throw error;
      // Nothing of this tenant can be decided without it, and no wait is the cause.
      await catalogs.getActive(tenantId);
      await fireFailing(
        { pool, clock, log },
        {
          tenantId,
          userId,
          fire: (only) => this.#fireInTransaction({ ...due, only }, limits),
          endCostly: (only) => setAside({ only }),
        },
      );
    }
  }

  /**
   * Runs an occurrence of a scheduled rule for these users; returns the number of those in its audience. See run-schedule.ts.
   * If that takes too much CPU time, the occurrence of each user becomes a wait that is due, which the timer fires.
   */
  async runSchedule(
    occurrence: Occurrence,
    userIds: readonly string[],
    save: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number> {
    const run = (limits: CpuLimits | undefined) =>
      withTransactionRetry(this.#parts.pool, (connection, attempt) =>
        runSchedule(this.#parts, connection, occurrence, userIds, save, attempt > 1, limits),
      );
    try {
      return await run(this.#parts.cpu?.shared ?? TIMERS_CPU);
    } catch (error) {
      if (!(error instanceof CpuBudgetError)) throw error;
      return run(undefined);
    }
  }

  /** Merges a user into another. See merge-users.ts. */
  mergeUsers(request: MergeRequest): Promise<MergeView> {
    return mergeUsers(this.#parts, request);
  }

  /** Moves the open waits of a rule to the active catalog version, for these users. See migrate-waits.ts. */
  migrateWaits(
    rule: { readonly tenantId: string; readonly rule: string },
    userIds: readonly string[],
  ): Promise<MigratedWaits> {
    return withTransactionRetry(this.#parts.pool, (connection) => migrateWaits(this.#parts, connection, rule, userIds));
  }

  /** Returns the scheduled rules of the active catalogs, and their versions. */
  async listSchedules(
    tenantId: string,
  ): Promise<{ active: ActiveVersion; rules: { name: string; cron: string; zone: string }[] }> {
    const { active, base, released } = await this.#parts.catalogs.refreshActives(tenantId);
    const scheduled = [base, ...(released ? [released] : [])].flatMap(({ rules }) =>
      rules.scheduled.flatMap(({ rule: { name, every, zone } }) => (every ? [{ name, cron: every.cron, zone }] : [])),
    );
    return { active, rules: scheduled };
  }

  /** Processes a batch, and reports it to the listeners, if there are any. */
  #tellBatch(tenantId: string, items: readonly unknown[]): Promise<(EventResult | Promise<EventResult>)[]> {
    const results = this.#processBatch(tenantId, items);
    if (!batched.hasSubscribers) return results;
    const startedAt = performance.now();
    const traces = new Set(items.map(findTrace).filter((trace) => trace !== undefined));
    const tell = (failed: boolean) => {
      const durationMs = performance.now() - startedAt;
      batched.publish({ tenantId, items: items.length, durationMs, failed, traceparents: [...traces] });
    };
    results.then(
      () => tell(false),
      () => tell(true),
    );
    return results;
  }

  /** Items are parsed only now: while they wait, they take no more memory than their JSON. */
  async #processBatch(tenantId: string, items: readonly unknown[]): Promise<(EventResult | Promise<EventResult>)[]> {
    const parsed = await this.#parseItems(tenantId, items);
    const events = parsed.filter((one): one is ReceivedEvent => !isRejection(one));
    const results = await this.#ingestEvents(tenantId, events);
    let next = 0;
    return parsed.map((one, index) =>
      isRejection(one) ? toRejectedResult(items[index], one) : (results[next++] as EventResult | Promise<EventResult>),
    );
  }

  async #parseItems(tenantId: string, items: readonly unknown[]): Promise<(ReceivedEvent | Rejection)[]> {
    const { catalogs, clock, maxFuture = MAX_FUTURE_MS } = this.#parts;
    const active = await catalogs.getActives(tenantId);
    const now = clock();
    const bounds = { from: FIRST_EVENT_TIME, to: Math.min(now + maxFuture, LAST_TIME) };
    const traced = isTracing();
    const parseOne = (item: unknown, rules: EventRules) => {
      const checked = parseItem(tenantId, item, isOwn(item) ? allowRemoval(rules) : rules, bounds, now);
      const parsed = rejectFalse(item, checked);
      return traced && !isRejection(parsed) ? withTraceparent(parsed, findTrace(item)) : parsed;
    };
    const parse = ({ active: { release }, base, released }: ActiveCatalogs) =>
      items.map((item) => {
        const parsed = parseOne(item, base);
        if (release === null || released === undefined) return parsed;
        // The mapping of the version before says who the user is, and the version of that user checks the event.
        const userId = isRejection(parsed) ? getUserId(item) : parsed.userId;
        return userId !== '' && isReleasedTo(release, userId) ? parseOne(item, released) : parsed;
      });
    const parsed = parse(active);
    if (!parsed.some((one, index) => isRejection(one) && mayFitLatest(one, items[index]))) return parsed;
    // Another process may have applied or released a catalog whose schemas they match, or whose mapping finds what they lack.
    const latest = await catalogs.refreshActives(tenantId);
    return isSameActive(latest.active, active.active) ? parsed : parse(latest);
  }

  /** Results of users whose history is costly are deferred: see `SlowLane`. */
  async #ingestEvents(
    tenantId: string,
    events: readonly ReceivedEvent[],
  ): Promise<readonly (EventResult | Promise<EventResult>)[]> {
    const ingest = (some: readonly ReceivedEvent[]) =>
      bisect(
        some,
        (part) => this.#ingestTogether(tenantId, part),
        isItemError,
        (event, error) => [this.#rejectFailed(event, error)],
      );
    const slow = new Set(events.map(({ userId }) => userId).filter((userId) => this.#slowLane.has(tenantId, userId)));
    return this.#ingestApart(tenantId, events, slow, ingest);
  }

  /** Ingests events in one transaction; those of a user who takes too much of its time apart from the others. */
  async #ingestTogether(
    tenantId: string,
    events: readonly ReceivedEvent[],
  ): Promise<readonly (EventResult | Promise<EventResult>)[]> {
    try {
      return await this.#ingestInTransaction(tenantId, events, this.#parts.cpu?.shared ?? SHARED_CPU);
    } catch (error) {
      if (!(error instanceof CpuBudgetError)) throw error;
      const users = [...new Set(events.map(({ userId }) => userId))];
      const ingest = (some: readonly ReceivedEvent[]) => this.#ingestTogether(tenantId, some);
      if (error.userId !== undefined) return this.#ingestApart(tenantId, events, new Set([error.userId]), ingest);
      // Many users: those of the first half, and then the others.
      const first = new Set(users.slice(0, Math.ceil(users.length / 2)));
      const isFirst = ({ userId }: ReceivedEvent) => first.has(userId);
      const [some, others] = [
        await ingest(events.filter(isFirst)),
        await ingest(events.filter((one) => !isFirst(one))),
      ];
      return mergeResults(events, isFirst, some, others);
    }
  }

  /** Hands the events of some users to the slow lane, and ingests the others. */
  async #ingestApart(
    tenantId: string,
    events: readonly ReceivedEvent[],
    slow: ReadonlySet<string>,
    ingest: (others: readonly ReceivedEvent[]) => Promise<readonly (EventResult | Promise<EventResult>)[]>,
  ): Promise<readonly (EventResult | Promise<EventResult>)[]> {
    if (events.length === 0) return [];
    if (slow.size === 0) return ingest(events);
    const deferred = new Map<ReceivedEvent, Promise<EventResult>>();
    for (const userId of slow) {
      const own = events.filter((event) => event.userId === userId);
      const results = this.#slowLane.submit(tenantId, userId, own);
      for (const [index, event] of own.entries()) deferred.set(event, results[index] as Promise<EventResult>);
    }
    const isSlow = ({ userId }: ReceivedEvent) => slow.has(userId);
    const others = events.filter((event) => !isSlow(event));
    const results = others.length === 0 ? [] : await ingest(others);
    const own = events.filter(isSlow).map((event) => deferred.get(event) as Promise<EventResult>);
    return mergeResults(events, isSlow, own, results);
  }

  /** Ingests events of one user whose history is costly, in as many transactions as it takes. */
  #ingestSlowly(tenantId: string, events: readonly ReceivedEvent[]): Promise<readonly EventResult[]> {
    let failures = 0;
    const ingest = async (some: readonly ReceivedEvent[]) => {
      // Enough was tried: what is left fails without another try.
      if (failures >= MAX_CPU_FAILURES) throw new CpuBudgetError(some[0]?.userId);
      try {
        return await this.#ingestInTransaction(tenantId, some, this.#parts.cpu?.slow ?? SLOW_CPU);
      } catch (error) {
        if (error instanceof CpuBudgetError) failures++;
        throw error;
      }
    };
    return bisect(
      events,
      ingest,
      (error) => error instanceof CpuBudgetError || isItemError(error),
      (event, error) => [this.#rejectFailed(event, error)],
    );
  }

  async #ingestInTransaction(
    tenantId: string,
    events: readonly ReceivedEvent[],
    limits: CpuLimits,
  ): Promise<EventResult[]> {
    const { pool, partitions, clock } = this.#parts;
    const times = events.map(({ time }) => time);
    await partitions.ensureEvents(times, clock());
    return withTransactionRetry(pool, (connection, attempt) => {
      // Duplicates are rare: the first one fails on its key, and only then they are looked up, for a number of batches.
      if (attempt > 1) this.#duplicateCheckBatches = DUPLICATE_CHECK_BATCHES;
      const checkDuplicates = this.#duplicateCheckBatches-- > 0;
      return ingestEvents(this.#parts, connection, tenantId, events, checkDuplicates, limits);
    });
  }

  /** Rejects a single event that failed on its own, so that the rest of the batch can commit. The event is quarantined. */
  #rejectFailed({ eventId }: ReceivedEvent, error: unknown): EventResult {
    const code =
      error instanceof CpuBudgetError ? 'too_costly' : isInvalidValueError(error) ? 'invalid_content' : 'undecidable';
    if (code === 'undecidable')
      this.#parts.log.error({ err: error }, 'an event could not be decided; it is in the quarantine');
    return { ...emptyResult(eventId, 'rejected'), code, message: REJECTION_MESSAGES[code] };
  }

  async #quarantineRejected(
    tenantId: string,
    items: readonly unknown[],
    results: readonly EventResult[],
  ): Promise<void> {
    const rejected = results.flatMap((result, index) => (isToKeep(result) ? [{ item: items[index], result }] : []));
    if (rejected.length === 0) return;
    const { pool, seal, clock } = this.#parts;
    await quarantine(pool, seal, tenantId, rejected, clock());
  }
}

/** Whether a result has its item kept in the quarantine. Of a user who was erased nothing is kept. */
function isToKeep({ status, code }: EventResult): boolean {
  return (status === 'rejected' || status === 'conflict') && code !== 'user_erased';
}

/** Returns the results of two groups of events in the order of all events. */
function mergeResults<Result>(
  events: readonly ReceivedEvent[],
  isFirst: (event: ReceivedEvent) => boolean,
  first: readonly Result[],
  others: readonly Result[],
): Result[] {
  let [nextFirst, nextOther] = [0, 0];
  return events.map((event) => (isFirst(event) ? first[nextFirst++] : others[nextOther++]) as Result);
}

/** Returns a rejection in the place of an event that only Tidings itself may post: from another it would be untrue. */
function rejectFalse(item: unknown, parsed: ReceivedEvent | Rejection): ReceivedEvent | Rejection {
  if (isRejection(parsed)) return parsed;
  if (isOwn(item)) return { ...parsed, beside: getBeside(item) };
  const advice = adviseOnOwn(parsed.type);
  if (advice === undefined) return parsed;
  const message = `event_type is ${parsed.type}, which Tidings alone may post; ${advice}`;
  return { code: 'invalid_event', path: 'event_type', message, eventId: parsed.eventId };
}

/** Returns rules by which Tidings itself may set a trait to null, whatever its schema says: it is removed. */
function allowRemoval(rules: EventRules): EventRules {
  const { validate } = rules;
  return {
    ...rules,
    validate: (type, properties, traits) =>
      validate(type, properties, Object.fromEntries(Object.entries(traits).filter(([, value]) => value !== null))),
  };
}

/** Whether an item has another envelope than that of Tidings, so that the catalog says where its user is. */
function isForeign(item: unknown): boolean {
  return tellEnvelope(item) !== 'own';
}

/** Whether the rejection of an item depends on the catalog. */
function mayFitLatest({ code }: Rejection, item: unknown): boolean {
  return code === 'schema_mismatch' || isForeign(item);
}

/** Returns the user id of an item that is not checked yet; empty if the item does not have one. */
function getUserId(item: unknown): string {
  const id = (item as { user_id?: unknown } | null)?.user_id;
  return typeof id === 'string' ? id : '';
}
