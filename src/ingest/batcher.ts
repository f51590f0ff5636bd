import { TidingsError } from '../errors.ts';

/** Decides one batch of one tenant; resolves to a result per item, in order, or rejects for all of them. */
export type RunBatch<Item, Result> = (tenantId: string, items: readonly Item[]) => Promise<readonly Result[]>;

/** One request under way: its results come in from the batches that took its items. */
interface Request<Result> {
  readonly results: Result[];
  readonly bytes: number;
  left: number;
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly request: Request<Result>;
  /** Of the item in its request. */
  readonly index: number;
}

interface Shard<Item, Result> {
  running: boolean;
  /** By tenant, in the order of their turns. */
  readonly queues: Map<string, QueuedItem<Item, Result>[]>;
}

/** Up to so many items are one batch. */
const MIN_ITEMS_TO_SHARD = 200;

/**
 * Joins concurrent requests into batches. A lane runs one batch at a time; what comes meanwhile waits and makes the next
 * one, so batches grow with the load and a lone item waits for nobody. Items of one person always take the same lane:
 * two lanes never wait for each other's locks. Few items are not split among the lanes: what a batch costs beside its
 * items is as much as some thirty of them. What one request says of a person is decided together: it is known together.
 */
export class MicroBatcher<Item, Result> {
  readonly #shards: Shard<Item, Result>[];
  readonly #run: RunBatch<Item, Result>;
  readonly #maxBatch: number;
  readonly #maxWaiting: number;
  readonly #maxBytes: number;
  /** Items that have no answer yet; those of them that no batch has taken. */
  #waiting = 0;
  #queued = 0;
  /** Of the requests that have no answer yet. */
  #bytes = 0;
  #idle: (() => void)[] = [];

  /**
   * @param options.maxWaiting items; beyond it `submit` refuses rather than let the queue grow
   * @param options.maxBytes likewise, by what the requests are said to hold
   */
  constructor(
    run: RunBatch<Item, Result>,
    options: { lanes: number; maxBatch: number; maxWaiting: number; maxBytes: number },
  ) {
    this.#run = run;
    this.#maxBatch = options.maxBatch;
    this.#maxWaiting = options.maxWaiting;
    this.#maxBytes = options.maxBytes;
    this.#shards = Array.from({ length: options.lanes }, () => ({ running: false, queues: new Map() }));
  }

  /** Throws `overloaded` before anything is taken in; an empty lane takes a request of any size. */
  submit(
    tenantId: string,
    items: readonly Item[],
    getUserId: (item: Item) => string,
    /** How large the request is. */
    bytes = 0,
  ): Promise<Result[]> {
    const isFull = this.#waiting + items.length > this.#maxWaiting || this.#bytes + bytes > this.#maxBytes;
    if (this.#waiting > 0 && isFull) {
      throw new TidingsError('overloaded', 'More events are waiting than can be decided soon.', { retryAfter: 1 });
    }
    if (items.length === 0) return Promise.resolve([]);
    this.#waiting += items.length;
    this.#bytes += bytes;
    return new Promise((resolve, reject) => {
      const request: Request<Result> = { results: new Array(items.length), bytes, left: items.length, resolve, reject };
      items.forEach((item, place) => {
        const { queues } = this.#shards[hashText(getUserId(item)) % this.#shards.length] as Shard<Item, Result>;
        const queue = queues.get(tenantId);
        if (queue) queue.push({ item, request, index: place });
        else queues.set(tenantId, [{ item, request, index: place }]);
      });
      this.#queued += items.length;
      this.#startBatches();
    });
  }

  /** Resolves when nothing is waiting or running. */
  async idle(): Promise<void> {
    if (this.#waiting > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** What each idle lane has to do. Few items wait until no batch runs, and make one. */
  #startBatches(): void {
    if (this.#queued === 0) return;
    if (this.#queued <= MIN_ITEMS_TO_SHARD) {
      if (!this.#shards.some(({ running }) => running)) void this.#runBatch(this.#shards);
      return;
    }
    for (const lane of this.#shards) if (!lane.running && lane.queues.size > 0) void this.#runBatch([lane]);
  }

  /** Tenants take turns: the first queue gives one batch and goes to the end. */
  async #runBatch(lanes: readonly Shard<Item, Result>[]): Promise<void> {
    for (const lane of lanes) lane.running = true;
    // What arrives in this turn of the event loop, not least from those just answered, shares the batch.
    await new Promise((resolve) => setImmediate(resolve));
    const [tenantId, batch] = this.#takeBatch(lanes);
    try {
      const results = await this.#run(
        tenantId,
        batch.map(({ item }) => item),
      );
      batch.forEach(({ request, index: place }, index) => {
        request.results[place] = results[index] as Result;
      });
    } catch (error) {
      for (const { request } of batch) request.reject(error);
    }
    for (const { request } of batch) {
      if (--request.left > 0) continue;
      this.#bytes -= request.bytes;
      // Of no consequence where a batch of it has failed.
      request.resolve(request.results);
    }
    this.#waiting -= batch.length;
    for (const lane of lanes) lane.running = false;
    this.#startBatches();
    if (this.#waiting === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Of one tenant, out of all of these lanes. What one request says of a person is cut only where it is a batch by itself. */
  #takeBatch(lanes: readonly Shard<Item, Result>[]): [tenantId: string, batch: QueuedItem<Item, Result>[]] {
    const [tenantId] = lanes.flatMap(({ queues }) => [...queues.keys()].slice(0, 1)) as [string];
    const batch: QueuedItem<Item, Result>[] = [];
    for (const { queues } of lanes) {
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

/** How many items are the first requests that have room together; 0: not even the first one has. */
function countWholeRequests(queue: readonly { readonly request: object }[], room: number): number {
  let end = 0;
  for (let next = 1; next <= Math.min(queue.length, room); next++) {
    if (queue[next]?.request !== queue[next - 1]?.request) end = next;
  }
  return end;
}

/** FNV-1a over UTF-16 units: any even spread will do, it never leaves the process. */
function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
