import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaRecord, Partition } from '../kafka/client.ts';
import { Semaphore } from '../lib/concurrency/semaphore.ts';
import { sizeOf, takeBatch } from './record-batch.ts';

/** Records and bytes that wait for their decision; beyond it no more is fetched until half of it is decided. */
const MAX_WAITING_RECORDS = 10_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;
/** Partitions that are decided at once; the others wait for their turn. */
const PARTITIONS_AT_ONCE = 4;
/** Pause (ms) while requests fill the pipeline. */
const BUSY_MS = 50;

export interface PartitionTurnsParts {
  /** Whether requests fill the pipeline: records wait then. */
  readonly isBusy: () => boolean;
  /** Called when no more is to be fetched for now, and when there is room again. */
  readonly onFull: () => void;
  readonly onRoom: () => void;
  /** Called with the error of a batch, of which nothing was decided. The partition has its next turn, unless all of them are stopped. */
  readonly onFailed: (error: unknown, topic: string) => void;
}

interface Lane {
  readonly topic: string;
  readonly decide: (records: readonly KafkaRecord[]) => Promise<unknown>;
  /** The first offset that was not given yet. */
  next: bigint;
  readonly waiting: KafkaRecord[];
  isRunning: boolean;
}

/**
 * Records that wait for their decision, of several partitions: each partition in its order, one batch at a time, and a few partitions at
 * once. After a batch, a partition with more goes behind those that wait for their turn: however much one has, each of the others has
 * its next batch decided after at most one of every other.
 */
export class PartitionTurns {
  readonly #parts: PartitionTurnsParts;
  readonly #lanes = new Map<string, Lane>();
  readonly #turns = new Semaphore<Lane>(PARTITIONS_AT_ONCE);
  readonly #working = new Set<Promise<void>>();
  #records = 0;
  #bytes = 0;
  #isFull = false;
  #isStopped = false;

  constructor(parts: PartitionTurnsParts) {
    this.#parts = parts;
  }

  /** Whether no more is to be fetched for now. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Adds a partition. @param next the first offset to decide @param decide decides a batch, in order */
  add(partition: Partition, next: bigint, decide: Lane['decide']): void {
    this.#lanes.set(toKey(partition), { topic: partition.topic, decide, next, waiting: [], isRunning: false });
  }

  /** Takes a record; one that was given before, or is of no partition here, is left out. */
  receive(record: KafkaRecord): void {
    const lane = this.#lanes.get(toKey(record));
    // The broker gives whole batches, which may begin before the position, and the client may ask for one twice.
    if (!lane || this.#isStopped || record.offset < lane.next) return;
    lane.next = record.offset + 1n;
    lane.waiting.push(record);
    this.#records++;
    this.#bytes += sizeOf(record);
    if (!this.#isFull && (this.#records > MAX_WAITING_RECORDS || this.#bytes > MAX_WAITING_BYTES)) {
      this.#isFull = true;
      this.#parts.onFull();
    }
    if (!lane.isRunning) this.#start(lane);
  }

  /** Drops what waits, at once. */
  stop(): void {
    this.#isStopped = true;
    this.#lanes.clear();
  }

  /** Resolves when nothing is being decided. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  /** Decides records of a partition as soon as it is its turn. */
  #start(lane: Lane): void {
    lane.isRunning = true;
    const work = new Promise<void>((resolve) => {
      this.#turns.run(lane, () => this.#decideNext(lane).finally(resolve));
    }).finally(() => this.#working.delete(work));
    this.#working.add(work);
  }

  /** Decides one batch. Never rejects. */
  async #decideNext(lane: Lane): Promise<void> {
    try {
      // Records that arrive in this turn of the event loop join the batch.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#parts.isBusy() && !this.#isStopped) await sleep(BUSY_MS);
      if (this.#isStopped) return;
      const records = takeBatch(lane.waiting);
      await lane.decide(records);
      this.#release(records);
    } catch (error) {
      if (!this.#isStopped) this.#parts.onFailed(error, lane.topic);
    } finally {
      lane.isRunning = false;
      if (lane.waiting.length > 0 && !this.#isStopped) this.#start(lane);
    }
  }

  #release(records: readonly KafkaRecord[]): void {
    this.#records -= records.length;
    for (const record of records) this.#bytes -= sizeOf(record);
    if (!this.#isFull || this.#records > MAX_WAITING_RECORDS / 2 || this.#bytes > MAX_WAITING_BYTES / 2) return;
    this.#isFull = false;
    if (!this.#isStopped) this.#parts.onRoom();
  }
}

function toKey({ topic, partition }: Partition): string {
  return `${topic} ${partition}`;
}
