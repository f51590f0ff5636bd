import type pg from 'pg';
import type { ReceivedEvent, Rejection } from '../events/envelope.ts';
import { isRejection } from '../events/envelope.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { batched, ingested } from '../observe/happenings.ts';
import { isTracing, noteTrace, parseTraceparent, runInTrace } from '../observe/trace-context.ts';
import { commit } from '../store/batch.ts';
import { type DeadLetter, deadLetterStatement } from '../store/kafka/outbox.ts';
import { isItemError } from '../store/pg/errors.ts';
import type { Partitions } from '../store/pg/partitions.ts';
import type { Statement } from '../store/pg/pipeline.ts';
import { withTransactionRetry } from '../store/pg/transaction.ts';
import { quarantineStatement, type RejectedItem } from '../store/rejected.ts';
import { CpuBudgetError, type CpuLimits } from './bounds/cpu-budget.ts';
import { ingestEvents } from './ingest-events.ts';
import { type EventResult, toRejectedResult } from './results.ts';
import type { TransactionParts } from './transaction.ts';

/** One item of a stream, whose items are decided in their order. */
export interface OrderedItem {
  /** The event as it would be posted; or the reason why it has no event; null: there is nothing to decide. */
  readonly event: { readonly item: unknown } | { readonly rejection: Rejection } | null;
  /** The trace that it comes from; absent: none is known. */
  readonly traceparent?: string;
  /** The item of the quarantine, if it is rejected. */
  readonly kept: RejectedItem['item'];
  /** The user that it names; absent: none, as far as it could be read. */
  readonly userId?: string;
  readonly origin: { readonly source: string; readonly position: JsonObject };
  /** The dead letter that is written as well if it is rejected; absent: none. */
  readonly deadLetter?: Pick<DeadLetter, 'tenantId' | 'topic' | 'messageId' | 'key' | 'value' | 'headers'> & {
    /** Its place, as a reader of the dead letter learns it. */
    readonly origin: JsonObject;
  };
}

/** A stretch of a stream of one tenant, and where it leaves the position of the stream. */
export interface OrderedBatch {
  readonly tenantId: string;
  readonly items: readonly OrderedItem[];
  /**
   * Returns the statement that moves the position from before the item `from` to before the item `to`, and fails if it is elsewhere:
   * then the transaction is undone, and its error is thrown.
   */
  advance(from: number, to: number): Statement;
}

/** Items of a batch by their results. */
export interface OrderedCounts {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly skipped: number;
}

export interface InOrderParts extends TransactionParts {
  readonly pool: pg.Pool;
  readonly partitions: Partitions;
  /** Parses items as posted ones. */
  readonly parse: (tenantId: string, items: readonly unknown[]) => Promise<readonly (ReceivedEvent | Rejection)[]>;
  /** The result of an event that fails on its own. */
  readonly rejectFailed: (event: ReceivedEvent, error: unknown) => EventResult;
  readonly shared: CpuLimits;
  readonly slow: CpuLimits;
}

/** Time (ms) in which the failures of a costly user are counted. */
const COSTLY_MS: Millis = 60_000;
/** Transactions that one user may make fail in this time; what comes then of this user is rejected as too costly, without a try. */
const MAX_COSTLY_FAILURES = 12;
/** Batches that look up duplicates after one that failed on a duplicate. */
const DUPLICATE_CHECK_BATCHES = 100;
/** Costly users that are remembered; beyond it the earliest is forgotten. */
const MAX_COSTLY_USERS = 1000;

const UNREADABLE = 'This event could not be read because of a bug in Tidings; retry it after an update';

interface Costly {
  readonly until: Millis;
  failures: number;
}

type Parsed = ReceivedEvent | Rejection | null;

/**
 * Decides streams in which each item comes after those before it, and whose position is moved on in the transaction of the decision:
 * an item is decided exactly once, whatever fails in between. A batch is one transaction. If an item may be the cause of an error, each
 * half of the batch is one, and so on down to a single item, which goes to the quarantine in the transaction that leaves it behind. So
 * no item stops a stream, and a costly user delays others by MAX_COSTLY_FAILURES transactions a minute, at most.
 */
export class InOrder {
  readonly #parts: InOrderParts;
  readonly #costly = new Map<string, Costly>();
  /** Batches to come that look up duplicates: rare ones fail on their key first. */
  #duplicateCheckBatches = 0;

  constructor(parts: InOrderParts) {
    this.#parts = parts;
  }

  /**
   * Decides a batch. @throws the error of the database, or of `advance`: what is left of the batch is not decided
   * @param isRepeated whether some of it may be stored already, as after a restart
   */
  async ingest(batch: OrderedBatch, isRepeated: boolean): Promise<OrderedCounts> {
    if (!batched.hasSubscribers) return this.#ingest(batch, isRepeated);
    const startedAt = performance.now();
    let failed = true;
    try {
      const counts = await this.#ingest(batch, isRepeated);
      failed = false;
      return counts;
    } finally {
      const { tenantId, items } = batch;
      const traceparents = [
        ...new Set(items.flatMap(({ traceparent: one }) => (one !== undefined && parseTraceparent(one) ? one : []))),
      ];
      batched.publish({
        tenantId,
        items: items.length,
        durationMs: performance.now() - startedAt,
        failed,
        traceparents,
      });
    }
  }

  async #ingest(batch: OrderedBatch, isRepeated: boolean): Promise<OrderedCounts> {
    const { tenantId, items } = batch;
    const posted = items.flatMap(({ event }) => (event && 'item' in event ? [event.item] : []));
    if (isTracing()) noteTraces(items);
    const events = posted.length === 0 ? [] : await this.#parse(tenantId, posted);
    let next = 0;
    const parsed = items.map(({ event }): Parsed => {
      if (event === null) return null;
      return 'item' in event ? (events[next++] as ReceivedEvent | Rejection) : event.rejection;
    });
    const counts = { accepted: 0, duplicates: 0, rejected: 0, skipped: 0 };
    await this.#ingestPart({ batch, parsed, counts, isRepeated }, 0, items.length);
    return counts;
  }

  /** Parses items. One that fails because of a bug is rejected, so that it stops no stream. */
  async #parse(tenantId: string, items: readonly unknown[]): Promise<readonly (ReceivedEvent | Rejection)[]> {
    try {
      return await this.#parts.parse(tenantId, items);
    } catch (error) {
      if (!isItemError(error)) throw error;
      if (items.length === 1) return [{ code: 'undecidable', path: '', message: UNREADABLE }];
      const middle = items.length >> 1;
      const first = await this.#parse(tenantId, items.slice(0, middle));
      return [...first, ...(await this.#parse(tenantId, items.slice(middle)))];
    }
  }

  async #ingestPart(work: Work, from: number, to: number): Promise<void> {
    const { shared, slow } = this.#parts;
    const isSingle = to - from === 1;
    try {
      await this.#transact(work, from, to, shared);
    } catch (error) {
      const isCostly = error instanceof CpuBudgetError;
      if (isCostly) this.#remember(work.batch.tenantId, error.userId);
      if (!isCostly && !isItemError(error)) throw error;
      if (!isSingle) {
        const middle = from + Math.ceil((to - from) / 2);
        await this.#ingestPart(work, from, middle);
        return this.#ingestPart(work, middle, to);
      }
      if (!isCostly) return this.#reject(work, from, error);
      try {
        await this.#transact(work, from, to, slow);
      } catch (again) {
        if (!(again instanceof CpuBudgetError) && !isItemError(again)) throw again;
        await this.#reject(work, from, again);
      }
    }
  }

  /** Leaves a single item behind that fails on its own. */
  async #reject(work: Work, index: number, error: unknown): Promise<void> {
    const event = work.parsed[index] as ReceivedEvent;
    const { code = 'undecidable', path = '', message = '' } = this.#parts.rejectFailed(event, error);
    work.parsed[index] = { code, path, message, eventId: event.eventId };
    await this.#transact(work, index, index + 1, this.#parts.shared);
  }

  /** Decides a part of a batch in one transaction. */
  async #transact(work: Work, from: number, to: number, limits: CpuLimits): Promise<void> {
    const { pool, partitions, clock } = this.#parts;
    const { batch, isRepeated } = work;
    const { tenantId } = batch;
    const part = work.parsed.slice(from, to).map((one) => this.#rejectCostly(tenantId, one));
    const events = part.filter((one): one is ReceivedEvent => one !== null && !isRejection(one));
    await partitions.ensureEvents(
      events.map(({ time }) => time),
      clock(),
    );
    let written: readonly EventResult[] | undefined;
    const beside = (results: readonly EventResult[]) => {
      written = results;
      return this.#write(work, from, part, results);
    };
    await withTransactionRetry(pool, async (connection, attempt) => {
      written = undefined;
      if (attempt > 1) this.#duplicateCheckBatches = DUPLICATE_CHECK_BATCHES;
      const checkDuplicates = isRepeated || this.#duplicateCheckBatches-- > 0;
      let results: readonly EventResult[] = [];
      if (events.length > 0)
        results = await ingestEvents(this.#parts, connection, tenantId, events, checkDuplicates, limits, beside);
      if (written) return;
      await connection.query('begin');
      await commit(connection, beside(results));
    });
    count(work.counts, part, written ?? []);
    if (!ingested.hasSubscribers) return;
    const rejected = part.flatMap((one) => (one && isRejection(one) ? [{ status: 'rejected', code: one.code }] : []));
    ingested.publish({ tenantId, results: [...rejected, ...(written ?? [])] });
  }

  /** Returns the statements beside the decisions: the quarantine of what is rejected, and the position. */
  #write(work: Work, from: number, part: readonly Parsed[], results: readonly EventResult[]): Statement[] {
    const { seal, clock } = this.#parts;
    const { tenantId, items, advance } = work.batch;
    let next = 0;
    const letters: DeadLetter[] = [];
    const rejected = part.flatMap((one, index): RejectedItem[] => {
      if (one === null) return [];
      const item = items[from + index] as OrderedItem;
      const { kept, origin } = item;
      if (isRejection(one)) {
        const { userId } = item;
        letters.push(...toDeadLetters(item, one, tenantId, userId));
        return [{ item: kept, result: toRejectedResult(kept, one), origin, ...(userId !== undefined && { userId }) }];
      }
      const result = results[next++] as EventResult;
      const isKept = (result.status === 'rejected' || result.status === 'conflict') && result.code !== 'user_erased';
      if (!isKept) return [];
      letters.push(...toDeadLetters(item, result, tenantId, one.userId));
      return [{ item: kept, result, userId: one.userId, origin }];
    });
    const statements = [advance(from, from + part.length)];
    if (letters.length > 0) statements.unshift(deadLetterStatement(seal, letters, clock()));
    if (rejected.length > 0) statements.unshift(quarantineStatement(seal, tenantId, rejected, clock()));
    return statements;
  }

  #remember(tenantId: string, userId: string | undefined): void {
    if (userId === undefined) return;
    const name = `${tenantId}\n${userId}`;
    const now = this.#parts.clock();
    const known = this.#costly.get(name);
    if (known && known.until > now) {
      known.failures++;
      return;
    }
    this.#costly.delete(name);
    this.#costly.set(name, { until: now + COSTLY_MS, failures: 1 });
    for (const oldest of this.#costly.keys()) {
      if (this.#costly.size <= MAX_COSTLY_USERS) break;
      this.#costly.delete(oldest);
    }
  }

  #rejectCostly(tenantId: string, one: Parsed): Parsed {
    if (this.#costly.size === 0 || one === null || isRejection(one)) return one;
    const known = this.#costly.get(`${tenantId}\n${one.userId}`);
    if (!known || known.failures < MAX_COSTLY_FAILURES || known.until <= this.#parts.clock()) return one;
    const {
      code = 'too_costly',
      path = '',
      message = '',
    } = this.#parts.rejectFailed(one, new CpuBudgetError(one.userId));
    return { code, path, message, eventId: one.eventId };
  }
}

/** Returns a rejected item as a dead letter, if its source has a topic for these. @param forTenant the tenant whose item it is */
function toDeadLetters(
  { deadLetter }: OrderedItem,
  { code = 'undecidable', path = '', message = '' }: Pick<EventResult, 'code' | 'path' | 'message'>,
  forTenant: string,
  userId = '',
): DeadLetter[] {
  if (!deadLetter) return [];
  const { origin, ...letter } = deadLetter;
  return [{ ...letter, forTenant, userId, data: { code, path, message, ...origin } }];
}

/** Notes the trace of each item that brings one, so that its event continues it. */
function noteTraces(items: readonly OrderedItem[]): void {
  for (const { event, traceparent } of items) {
    if (event === null || !('item' in event) || traceparent === undefined) continue;
    if (parseTraceparent(traceparent)) runInTrace(traceparent, () => noteTrace([event.item]));
  }
}

interface Work {
  readonly batch: OrderedBatch;
  /** One for each item; null: there is nothing to decide. */
  readonly parsed: Parsed[];
  readonly counts: { -readonly [name in keyof OrderedCounts]: number };
  readonly isRepeated: boolean;
}

function count(counts: Work['counts'], part: readonly Parsed[], results: readonly EventResult[]): void {
  for (const one of part) {
    if (one === null) counts.skipped++;
    else if (isRejection(one)) counts.rejected++;
  }
  for (const { status } of results) {
    if (status === 'accepted') counts.accepted++;
    else if (status === 'duplicate') counts.duplicates++;
    else counts.rejected++;
  }
}
