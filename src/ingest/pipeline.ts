import type pg from 'pg';
import type { Logger } from 'pino';
import { TidingsError } from '../errors.ts';
import { isRejection, parseEvent, type ReceivedEvent, type Rejection } from '../events/envelope.ts';
import { bisect } from '../lib/bisect.ts';
import type { Millis } from '../model/event.ts';
import { Announcer } from '../store/pg/announcer.ts';
import { isInvalidValueError, isItemError, isTransient } from '../store/pg/errors.ts';
import type { Partitions } from '../store/pg/partitions.ts';
import { withTransactionRetry } from '../store/pg/transaction.ts';
import { quarantine } from '../store/rejected.ts';
import { DAY_MS, LAST_TIME } from '../time/iso-time.ts';
import { MicroBatcher } from './batcher.ts';
import { fireDueWaits } from './fire-waits.ts';
import { ingestEvents } from './ingest-events.ts';
import { type EventResult, emptyResult, toRejectedResult } from './results.ts';
import { type Occurrence, runSchedule } from './run-schedule.ts';
import type { TransactionParts } from './transaction.ts';

export interface PipelineParts extends Omit<TransactionParts, 'announcer'> {
  readonly pool: pg.Pool;
  /** Absent: one of its own. */
  readonly announcer?: Announcer;
  readonly partitions: Partitions;
  readonly log: Pick<Logger, 'error'>;
  /** Longest time (ms) that an event time may lie in the future. Default 24 hours. */
  readonly maxFuture?: Millis;
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

const REJECTION_MESSAGES = {
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
 *
 * The brackets are in ingest-events.ts, fire-waits.ts and run-schedule.ts; transaction.ts has the steps they share.
 */
export class Pipeline {
  readonly #parts: PipelineParts & TransactionParts;
  readonly #batcher: MicroBatcher<unknown, EventResult>;
  /** Batches to come that check for duplicates. */
  #duplicateCheckBatches = 0;

  constructor(parts: PipelineParts) {
    this.#parts = { ...parts, announcer: parts.announcer ?? new Announcer(parts.pool) };
    this.#batcher = new MicroBatcher((tenantId, items) => this.#processBatch(tenantId, items), {
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
    try {
      const results = await this.#batcher.submit(tenantId, items, getUserId, bytes);
      if (quarantineRejected) await this.#quarantineRejected(tenantId, items, results);
      return results;
    } catch (error) {
      if (!isTransient(error)) throw error;
      const message = 'The events were not stored; send them again.';
      throw new TidingsError('unavailable', message, { retryAfter: 2, cause: error });
    }
  }

  /** Resolves when every request has its results, and its work has been announced to the workers. */
  async drain(): Promise<void> {
    await this.#batcher.idle();
    await this.#parts.announcer.flush();
  }

  /** Fires the waits of these users that are due; returns their number. See fire-waits.ts. */
  fireDueWaits(tenantId: string, userIds: readonly string[]): Promise<number> {
    return withTransactionRetry(this.#parts.pool, (connection, attempt) =>
      fireDueWaits(this.#parts, connection, tenantId, userIds, attempt > 1),
    );
  }

  /** Runs an occurrence of a recurring rule for these users; returns the number of those in its audience. See run-schedule.ts. */
  runSchedule(
    occurrence: Occurrence,
    userIds: readonly string[],
    save: (connection: pg.PoolClient) => Promise<void>,
  ): Promise<number> {
    return withTransactionRetry(this.#parts.pool, (connection, attempt) =>
      runSchedule(this.#parts, connection, occurrence, userIds, save, attempt > 1),
    );
  }

  /** Returns the recurring rules of the active catalog, and its version. */
  async listSchedules(
    tenantId: string,
  ): Promise<{ version: number; rules: { name: string; cron: string; zone: string }[] }> {
    const { version, rules } = await this.#parts.catalogs.refresh(tenantId);
    const recurring = rules.recurring.flatMap(({ rule: { name, every, zone } }) =>
      every ? [{ name, cron: every.cron, zone }] : [],
    );
    return { version, rules: recurring };
  }

  /** Items are parsed only now: while they wait, they take no more memory than their JSON. */
  async #processBatch(tenantId: string, items: readonly unknown[]): Promise<EventResult[]> {
    const parsed = await this.#parseItems(tenantId, items);
    const events = parsed.filter((one): one is ReceivedEvent => !isRejection(one));
    const results = await this.#ingestEvents(tenantId, events);
    let next = 0;
    return parsed.map((one, index) =>
      isRejection(one) ? toRejectedResult(items[index], one) : (results[next++] as EventResult),
    );
  }

  async #parseItems(tenantId: string, items: readonly unknown[]): Promise<(ReceivedEvent | Rejection)[]> {
    const { catalogs, clock, maxFuture = MAX_FUTURE_MS } = this.#parts;
    const { version, validate } = await catalogs.getActive(tenantId);
    const bounds = { from: FIRST_EVENT_TIME, to: Math.min(clock() + maxFuture, LAST_TIME) };
    const parsed = items.map((item) => parseEvent(tenantId, item, validate, bounds));
    if (!parsed.some((one) => isRejection(one) && one.code === 'schema_mismatch')) return parsed;
    // Another process may have applied a catalog whose schemas they match.
    const latest = await catalogs.refresh(tenantId);
    return latest.version === version
      ? parsed
      : items.map((item) => parseEvent(tenantId, item, latest.validate, bounds));
  }

  async #ingestEvents(tenantId: string, events: readonly ReceivedEvent[]): Promise<readonly EventResult[]> {
    if (events.length === 0) return [];
    return bisect(
      events,
      (some) => this.#ingestInTransaction(tenantId, some),
      isItemError,
      (event, error) => [this.#rejectFailed(event, error)],
    );
  }

  async #ingestInTransaction(tenantId: string, events: readonly ReceivedEvent[]): Promise<EventResult[]> {
    const { pool, partitions, clock } = this.#parts;
    const times = events.map(({ time }) => time);
    await partitions.ensureEvents(times, clock());
    return withTransactionRetry(pool, (connection, attempt) => {
      // Duplicates are rare: the first one fails on its key, and only then they are looked up, for a number of batches.
      if (attempt > 1) this.#duplicateCheckBatches = DUPLICATE_CHECK_BATCHES;
      const checkDuplicates = this.#duplicateCheckBatches-- > 0;
      return ingestEvents(this.#parts, connection, tenantId, events, checkDuplicates);
    });
  }

  /** Rejects a single event that failed on its own, so that the rest of the batch can commit. The event is quarantined. */
  #rejectFailed({ eventId }: ReceivedEvent, error: unknown): EventResult {
    const code = isInvalidValueError(error) ? 'invalid_content' : 'undecidable';
    if (code === 'undecidable')
      this.#parts.log.error({ err: error }, 'an event could not be decided; it is in the quarantine');
    return { ...emptyResult(eventId, 'rejected'), code, message: REJECTION_MESSAGES[code] };
  }

  async #quarantineRejected(
    tenantId: string,
    items: readonly unknown[],
    results: readonly EventResult[],
  ): Promise<void> {
    const rejected = results.flatMap((result, index) =>
      result.status === 'rejected' || result.status === 'conflict' ? [{ item: items[index], result }] : [],
    );
    if (rejected.length === 0) return;
    const { pool, seal, clock } = this.#parts;
    await quarantine(pool, seal, tenantId, rejected, clock());
  }
}

/** Returns the user id of an item that is not checked yet; empty if the item does not have one. */
function getUserId(item: unknown): string {
  const id = (item as { user_id?: unknown } | null)?.user_id;
  return typeof id === 'string' ? id : '';
}
