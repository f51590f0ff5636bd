import { TidingsError } from '../errors.ts';
import { hashText } from '../lib/hash-text.ts';

/**
 * Processes one batch of one tenant. Resolves to a result for each item, in their order, or rejects for all of them. A result
 * may be deferred: a promise that holds up its request, and no other batch.
 */
export type ProcessBatch<Item, Result> = (
  tenantId: string,
  items: readonly Item[],
) => Promise<readonly (Result | Promise<Result>)[]>;

/** A request under way. Its results arrive from the batches that have its items. */
interface Request<Result> {
  readonly results: Result[];
  readonly bytes: number;
  /** Items without a result that a batch is to give them. */
  pending: number;
  /** Items whose result was deferred. */
  deferred: number;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly request: Request<Result>;
  /** Position of the item in its request. */
  readonly index: number;
}

interface Shard<Item, Result> {
  running: boolean;
  /** By tenant; the first tenant has the next batch. */
  readonly queues: Map<string, QueuedItem<Item, Result>[]>;
}

/** A batch costs about as much beside its items as thirty items do, so up to this many queued items are one batch. */
const MIN_ITEMS_TO_SHARD = 200;

/**
 * Merges concurrent requests into micro-batches, sharded by the hash of the user id that chooses the user's lock, too
 * (store/facts.ts): two shards never contend for a lock. Items of one user in one request are kept in one batch.
 *
 * A shard runs one batch at a time. Items that arrive meanwhile make the next one, so batches grow with the load, and a
 * single item starts at once if nothing runs. Up to MIN_ITEMS_TO_SHARD queued items are not sharded: they wait until no
 * batch runs and make one batch together.
 */
export class MicroBatcher<Item, Result> {
  readonly #shards: Shard<Item, Result>[];
  readonly #process: ProcessBatch<Item, Result>;
  readonly #maxBatch: number;
  readonly #maxWaiting: number;
  readonly #maxBytes: number;
  /** Items without a result. */
  #waiting = 0;
  /** Items whose result was deferred; they wait no more. */
  #deferred = 0;
  /** Waiting items that are not in a running batch. */
  #queued = 0;
  /** Size of the requests with waiting items. */
  #bytes = 0;
  #idleListeners: (() => void)[] = [];

  /**
   * @param options.maxBatch items in one batch
   * @param options.maxWaiting items without a result; beyond it `submit` throws
   * @param options.maxBytes size of the requests with waiting items, as given to `submit`; beyond it `submit` throws
   */
  constructor(
    process: ProcessBatch<Item, Result>,
    options: { shards: number; maxBatch: number; maxWaiting: number; maxBytes: number },
  ) {
    this.#process = process;
    this.#maxBatch = options.maxBatch;
    this.#maxWaiting = options.maxWaiting;
    this.#maxBytes = options.maxBytes;
    this.#shards = Array.from({ length: options.shards }, () => ({ running: false, queues: new Map() }));
  }

  /**
   * Queues the items of one request. Resolves to a result for each, in their order; rejects if one of its batches fails.
   * @param bytes size of the request
   * @throws TidingsError `overloaded`, synchronously, if the request would exceed a maximum; if nothing is waiting, a
   *   request of any size is accepted
   */
  submit(tenantId: string, items: readonly Item[], getUserId: (item: Item) => string, bytes = 0): Promise<Result[]> {
    const isFull = this.#waiting + items.length > this.#maxWaiting || this.#bytes + bytes > this.#maxBytes;
    if (this.#waiting > 0 && isFull) {
      throw new TidingsError('overloaded', 'More events are waiting than can be decided soon.', { retryAfter: 1 });
    }
    if (items.length === 0) return Promise.resolve([]);
    this.#waiting += items.length;
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      const results: Result[] = new Array(items.length);
      const request: Request<Result> = { results, bytes, pending: items.length, deferred: 0, resolve, reject };
      items.forEach((item, index) => {
        const { queues } = this.#shards[hashText(getUserId(item)) % this.#shards.length] as Shard<Item, Result>;
        const queue = queues.get(tenantId);
        if (queue) queue.push({ item, request, index });
        else queues.set(tenantId, [{ item, request, index }]);
      });
      this.#queued += items.length;
      this.#startBatches();
    });
  }

  /** Resolves when no item is queued or running. */
  async idle(): Promise<void> {
    if (this.#waiting + this.#deferred > 0) await new Promise<void>((resolve) => this.#idleListeners.push(resolve));
  }

  /** Starts a batch of few items if no batch runs; otherwise a batch in each idle shard that has items. */
  #startBatches(): void {
    if (this.#queued === 0) return;
    if (this.#queued <= MIN_ITEMS_TO_SHARD) {
      if (!this.#shards.some(({ running }) => running)) void this.#runBatch(this.#shards);
      return;
    }
    for (const shard of this.#shards) if (!shard.running && shard.queues.size > 0) void this.#runBatch([shard]);
  }

  async #runBatch(shards: readonly Shard<Item, Result>[]): Promise<void> {
    for (const shard of shards) shard.running = true;
    // Items that arrive in this turn of the event loop join the batch, not least those of callers that just got results.
    await new Promise((resolve) => setImmediate(resolve));
    const [tenantId, batch] = this.#takeBatch(shards);
    try {
      const results = await this.#process(
        tenantId,
        batch.map(({ item }) => item),
      );
      batch.forEach(({ request, index }, indexInBatch) => {
        const result = results[indexInBatch] as Result | Promise<Result>;
        if (result instanceof Promise) this.#defer(request, index, result);
        else request.results[index] = result;
      });
    } catch (error) {
      for (const { request } of batch) request.reject(error);
    }
    for (const { request } of batch) {
      if (--request.pending > 0) continue;
      this.#bytes -= request.bytes;
      if (request.deferred === 0) request.resolve(request.results);
    }
    this.#waiting -= batch.length;
    for (const shard of shards) shard.running = false;
    this.#startBatches();
    this.#reportIdle();
  }

  /** Adds a result to its request when it comes. */
  #defer(request: Request<Result>, index: number, result: Promise<Result>): void {
    request.deferred++;
    this.#deferred++;
    result
      .then(
        (settled) => {
          request.results[index] = settled;
        },
        (error) => request.reject(error),
      )
      .finally(() => {
        this.#deferred--;
        // Without effect if it is rejected already.
        if (--request.deferred === 0 && request.pending <= 0) request.resolve(request.results);
        this.#reportIdle();
      });
  }

  #reportIdle(): void {
    if (this.#waiting === 0 && this.#deferred === 0) for (const resolve of this.#idleListeners.splice(0)) resolve();
  }

  /**
   * Removes the next batch of one tenant from the queues of these shards. The tenant goes to the end of the line. A request
   * is split only if its items do not fit into a batch.
   */
  #takeBatch(shards: readonly Shard<Item, Result>[]): [tenantId: string, batch: QueuedItem<Item, Result>[]] {
    const [tenantId] = shards.flatMap(({ queues }) => [...queues.keys()].slice(0, 1)) as [string];
    const batch: QueuedItem<Item, Result>[] = [];
    for (const { queues } of shards) {
      const queue = queues.get(tenantId);
      if (!queue) continue;
      queues.delete(tenantId);
      const room = this.#maxBatch - batch.length;
      batch.push(...queue.splice(0, countWholeRequests(queue, room) || (batch.length === 0 ? room : 0)));
      if (queue.length > 0) queues.set(tenantId, queue);
    }
    this.#queued -= batch.length;
    return [tenantId, batch];
  }
}

/** Returns how many items the first requests have that fit into `room` items together; 0 if the first one does not fit. */
function countWholeRequests(queue: readonly { readonly request: object }[], room: number): number {
  let end = 0;
  for (let next = 1; next <= Math.min(queue.length, room); next++) {
    if (queue[next]?.request !== queue[next - 1]?.request) end = next;
  }
  return end;
}
