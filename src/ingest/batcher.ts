import { TidingsError } from '../errors.ts';
import { FairShare } from '../lib/concurrency/fair-share.ts';
import { hashText } from '../lib/text/hash-text.ts';

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
  readonly tenantId: string;
  readonly results: Result[];
  readonly bytes: number;
  /** Whether it waits in the reserve. */
  readonly isReserved: boolean;
  /** Items without a result that a batch is to give them. */
  pending: number;
  /** Items whose result was deferred. */
  deferred: number;
  /** Whether its size is counted, because it waits for deferred results alone. */
  isHeld: boolean;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly request: Request<Result>;
  /** Position of the item in its request. */
  readonly index: number;
  /** Slot of its user: see SLOTS_PER_SHARD. */
  readonly slot: number;
}

interface Shard<Item, Result> {
  /** Whether a batch of this shard alone runs. */
  running: boolean;
  /** Running small batches with items of this shard. */
  smallBatches: number;
  /** By tenant; the first tenant has the next batch. */
  readonly queues: Map<string, QueuedItem<Item, Result>[]>;
}

/** A batch costs about as much beside its items as thirty items do, so up to this many queued items are not sharded. */
const MIN_ITEMS_TO_SHARD = 200;

/** Small batches that run at once: while one waits for the disk or for PostgreSQL, this process works for the other. */
const MAX_SMALL_BATCHES = 2;

/** Fewer items than these wait while another batch runs: a batch of one item is hardly cheaper than one of eight. */
const MIN_ITEMS_BESIDE = 8;

/**
 * Items in one batch while several tenants have posted within this time (ms): the events of another tenant wait for no more
 * than a batch of each shard.
 */
const MAX_SHARED_BATCH = 200;
const SHARED_MS = 10_000;

/** The reserve for tenants that others leave no room to: one part in so many of the maximum of waiting items, and of bytes. */
const RESERVE_PARTS = 4;

/** Parts of a shard. Two small batches never have users of the same slot, so a small batch keeps few users from the next. */
const SLOTS_PER_SHARD = 16;

/**
 * Merges concurrent requests into micro-batches, sharded by the hash of the user id that chooses the user's lock, too
 * (store/facts/facts.ts): two batches that run at once never contend for a lock. Items of one user in one request are kept in one
 * batch.
 *
 * Many items make a batch in each shard, and those that arrive meanwhile make its next one, so batches grow with the load.
 * Up to MIN_ITEMS_TO_SHARD queued items make one small batch of all shards. It starts at once if nothing runs, and beside
 * another batch if there are enough items.
 */
export class MicroBatcher<Item, Result> {
  readonly #shards: Shard<Item, Result>[];
  readonly #process: ProcessBatch<Item, Result>;
  readonly #maxBatch: number;
  readonly #maxWaiting: number;
  readonly #maxBytes: number;
  /** Items without a result, without those in the reserve. */
  #waiting = 0;
  /** The same by tenant. */
  readonly #waitingByTenant = new Map<string, number>();
  /** Items in the reserve without a result, and the size of their requests. */
  readonly #reserve: FairShare;
  readonly #reservedBytes: FairShare;
  #reserved = 0;
  /** Items whose result was deferred; they wait no more. */
  #deferred = 0;
  /** Waiting items that are not in a running batch. */
  #queued = 0;
  /** Batches that run or are about to. */
  #running = 0;
  /** Whether a small batch is about to run. */
  #isGathering = false;
  #lastTenantId: string | undefined;
  /** Until when several tenants count as present, by the monotonic clock. */
  #sharedUntil = Number.NEGATIVE_INFINITY;
  readonly #busySlots = new Set<number>();
  /** Size of the requests with waiting items. */
  #bytes = 0;
  /** Size of the requests that wait for deferred results alone, by tenant. */
  readonly #heldBytes: FairShare;
  #idleListeners: (() => void)[] = [];

  /**
   * @param options.maxBatch items in one batch
   * @param options.maxWaiting items without a result; beyond it `submit` throws
   * @param options.maxBytes size of the requests with waiting items, as given to `submit`; beyond it `submit` throws. Also of the
   *   requests that wait for deferred results alone, of which one tenant has what it leaves to the others; beyond it they are
   *   rejected
   */
  constructor(
    process: ProcessBatch<Item, Result>,
    options: { shards: number; maxBatch: number; maxWaiting: number; maxBytes: number },
  ) {
    this.#process = process;
    this.#maxBatch = options.maxBatch;
    this.#maxWaiting = options.maxWaiting;
    this.#maxBytes = options.maxBytes;
    this.#heldBytes = new FairShare(options.maxBytes);
    this.#reserve = new FairShare(Math.ceil(options.maxWaiting / RESERVE_PARTS));
    this.#reservedBytes = new FairShare(Math.ceil(options.maxBytes / RESERVE_PARTS));
    this.#shards = Array.from({ length: options.shards }, () => ({
      running: false,
      smallBatches: 0,
      queues: new Map(),
    }));
  }

  /**
   * Queues the items of one request. Resolves to a result for each, in their order; rejects if one of its batches fails.
   * @param bytes size of the request
   * @throws TidingsError `overloaded`, synchronously, if the request would exceed a maximum, and its tenant has no part of the
   *   reserve for those that others leave no room to; if nothing is waiting, a request of any size is accepted
   */
  submit(tenantId: string, items: readonly Item[], getUserId: (item: Item) => string, bytes = 0): Promise<Result[]> {
    const isFull = this.#waiting + items.length > this.#maxWaiting || this.#bytes + bytes > this.#maxBytes;
    const isReserved = this.#waiting > 0 && isFull;
    if (isReserved && !this.#mayUseReserve(tenantId, items.length, bytes)) {
      throw new TidingsError('overloaded', 'More events are waiting than can be decided soon.', { retryAfter: 1 });
    }
    if (items.length === 0) return Promise.resolve([]);
    if (tenantId !== this.#lastTenantId) {
      if (this.#lastTenantId !== undefined) this.#sharedUntil = performance.now() + SHARED_MS;
      this.#lastTenantId = tenantId;
    }
    if (isReserved) {
      this.#reserve.hold(tenantId, items.length);
      this.#reservedBytes.hold(tenantId, bytes);
      this.#reserved += items.length;
    } else {
      this.#waiting += items.length;
      this.#waitingByTenant.set(tenantId, (this.#waitingByTenant.get(tenantId) ?? 0) + items.length);
      this.#bytes += bytes;
    }
    return new Promise((resolve, reject) => {
      const results: Result[] = new Array(items.length);
      const request: Request<Result> = {
        tenantId,
        results,
        bytes,
        isReserved,
        pending: items.length,
        deferred: 0,
        isHeld: false,
        resolve,
        reject,
      };
      items.forEach((item, index) => {
        const slot = hashText(getUserId(item)) % (this.#shards.length * SLOTS_PER_SHARD);
        const { queues } = this.#shards[slot % this.#shards.length] as Shard<Item, Result>;
        const queue = queues.get(tenantId);
        if (queue) queue.push({ item, request, index, slot });
        else queues.set(tenantId, [{ item, request, index, slot }]);
      });
      this.#queued += items.length;
      this.#startBatches();
    });
  }

  /** Items without a result, whose result was not deferred. */
  get waiting(): number {
    return this.#waiting + this.#reserved;
  }

  /** Resolves when no item is queued or running. */
  async idle(): Promise<void> {
    if (this.#waiting + this.#reserved + this.#deferred > 0)
      await new Promise<void>((resolve) => this.#idleListeners.push(resolve));
  }

  /** Starts a small batch if few items are queued and it may run; otherwise a batch in each idle shard that has items. */
  #startBatches(): void {
    if (this.#queued === 0) return;
    if (this.#queued > MIN_ITEMS_TO_SHARD) {
      for (const shard of this.#shards) {
        if (!shard.running && shard.smallBatches === 0 && shard.queues.size > 0) void this.#runShard(shard);
      }
    } else if (!this.#isGathering && (this.#running === 0 || this.#maySmallBatchRunBeside()))
      void this.#runSmallBatch();
  }

  #maySmallBatchRunBeside(): boolean {
    if (this.#running >= MAX_SMALL_BATCHES || this.#queued < MIN_ITEMS_BESIDE) return false;
    let free = 0;
    for (const { running, queues } of this.#shards) {
      if (running) continue;
      for (const queue of queues.values()) free += queue.filter(({ slot }) => !this.#busySlots.has(slot)).length;
    }
    return free >= MIN_ITEMS_BESIDE;
  }

  async #runShard(shard: Shard<Item, Result>): Promise<void> {
    this.#running++;
    shard.running = true;
    await joinTurn();
    const tenantId = shard.queues.keys().next().value;
    if (tenantId !== undefined) await this.#runBatch(tenantId, this.#takeItems([shard], tenantId));
    shard.running = false;
    this.#finishBatch();
  }

  async #runSmallBatch(): Promise<void> {
    this.#running++;
    this.#isGathering = true;
    await joinTurn();
    this.#isGathering = false;
    const tenantId = this.#findTenantWithFreeItems();
    if (tenantId !== undefined) {
      const batch = this.#takeItems(
        this.#shards.filter(({ running }) => !running),
        tenantId,
      );
      const slots = [...new Set(batch.map(({ slot }) => slot))];
      const shards = [...new Set(slots.map((slot) => this.#shards[slot % this.#shards.length] as Shard<Item, Result>))];
      for (const slot of slots) this.#busySlots.add(slot);
      for (const shard of shards) shard.smallBatches++;
      await this.#runBatch(tenantId, batch);
      for (const slot of slots) this.#busySlots.delete(slot);
      for (const shard of shards) shard.smallBatches--;
    }
    this.#finishBatch();
  }

  #finishBatch(): void {
    this.#running--;
    this.#startBatches();
    this.#reportIdle();
  }

  #findTenantWithFreeItems(): string | undefined {
    for (const { running, queues } of this.#shards) {
      if (running) continue;
      for (const [tenantId, queue] of queues) {
        if (queue.some(({ slot }) => !this.#busySlots.has(slot))) return tenantId;
      }
    }
    return undefined;
  }

  async #runBatch(tenantId: string, batch: readonly QueuedItem<Item, Result>[]): Promise<void> {
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
      if (request.isReserved) {
        this.#reserve.release(tenantId, 1);
        this.#reserved--;
      } else this.#leave(tenantId);
      if (--request.pending > 0) continue;
      if (request.isReserved) this.#reservedBytes.release(tenantId, request.bytes);
      else this.#bytes -= request.bytes;
      if (request.deferred === 0) request.resolve(request.results);
      else this.#holdRequest(request);
    }
  }

  /** Counts one item less among those that wait outside the reserve. */
  #leave(tenantId: string): void {
    this.#waiting--;
    const left = (this.#waitingByTenant.get(tenantId) ?? 0) - 1;
    if (left > 0) this.#waitingByTenant.set(tenantId, left);
    else this.#waitingByTenant.delete(tenantId);
  }

  /** Returns whether others fill the room, and the reserve has some for a request of this tenant: of each, it has as much as it leaves. */
  #mayUseReserve(tenantId: string, items: number, bytes: number): boolean {
    const own = this.#waitingByTenant.get(tenantId) ?? 0;
    if (own * 2 > this.#waiting) return false;
    const max = {
      items: Math.ceil(this.#maxWaiting / RESERVE_PARTS),
      bytes: Math.ceil(this.#maxBytes / RESERVE_PARTS),
    };
    if (items > max.items || bytes > max.bytes) return false;
    return this.#reserve.fits(tenantId, items) && this.#reservedBytes.fits(tenantId, bytes);
  }

  /**
   * Counts the size of a request that waits for deferred results alone: its content stays in memory. It takes no room from
   * other requests; beyond the maximum it is rejected, and its deferred items are decided all the same.
   */
  #holdRequest(request: Request<Result>): void {
    if (!this.#heldBytes.fits(request.tenantId, request.bytes)) {
      const message = 'Deciding some of these events takes long, and too many such requests are waiting.';
      request.reject(new TidingsError('overloaded', message, { retryAfter: 5 }));
    } else {
      this.#heldBytes.hold(request.tenantId, request.bytes);
      request.isHeld = true;
    }
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
        if (--request.deferred === 0 && request.pending <= 0) {
          if (request.isHeld) this.#heldBytes.release(request.tenantId, request.bytes);
          // Without effect if it is rejected already.
          request.resolve(request.results);
        }
        this.#reportIdle();
      });
  }

  #reportIdle(): void {
    if (this.#waiting + this.#reserved + this.#deferred === 0)
      for (const resolve of this.#idleListeners.splice(0)) resolve();
  }

  /**
   * Removes the items of the next batch from the queues of these shards, without those of busy slots. The tenant goes to the
   * end of the line. A request is split only if its items do not fit into a batch.
   */
  #takeItems(shards: readonly Shard<Item, Result>[], tenantId: string): QueuedItem<Item, Result>[] {
    const batch: QueuedItem<Item, Result>[] = [];
    const maxBatch =
      performance.now() < this.#sharedUntil ? Math.min(this.#maxBatch, MAX_SHARED_BATCH) : this.#maxBatch;
    for (const { queues } of shards) {
      const queue = queues.get(tenantId);
      if (!queue) continue;
      queues.delete(tenantId);
      const free = this.#busySlots.size === 0 ? queue : queue.filter(({ slot }) => !this.#busySlots.has(slot));
      const room = maxBatch - batch.length;
      const taken = free.slice(0, countWholeRequests(free, room) || (batch.length === 0 ? room : 0));
      for (const one of taken) batch.push(one);
      if (taken.length === queue.length) continue;
      const isTaken = new Set(taken);
      const left = free === queue ? queue.slice(taken.length) : queue.filter((one) => !isTaken.has(one));
      queues.set(tenantId, left);
    }
    this.#queued -= batch.length;
    return batch;
  }
}

/** Waits until the end of this turn of the event loop: items that arrive in it join the batch, not least those of callers that just got results. */
function joinTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Returns how many items the first requests have that fit into `room` items together; 0 if the first one does not fit. */
function countWholeRequests(queue: readonly { readonly request: object }[], room: number): number {
  let end = 0;
  for (let next = 1; next <= Math.min(queue.length, room); next++) {
    if (queue[next]?.request !== queue[next - 1]?.request) end = next;
  }
  return end;
}
