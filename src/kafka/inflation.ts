import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import type { FetchedPartition } from './aborted-records.ts';

/*
 * The client inflates compressed batches of messages whole, to any size: one of 32 KB may take gigabytes of memory. Here a batch is
 * bounded, and so is what one answer of a broker is inflated to. The client knows only bytes at that place, so what is beyond a bound is
 * replaced by records that no producer can write, and these by what they stand for once the batch is known.
 */

/** Bytes of a batch when it is inflated, and records in it. */
const MAX_BATCH_BYTES = 32 * 1024 * 1024;
const MAX_BATCH_RECORDS = 100_000;
/** Bytes that one answer is inflated to; what is beyond it is asked for again. At least a batch. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export const TOO_LARGE = `The batch of this message has more than ${MAX_BATCH_BYTES / 1024 / 1024} MiB or ${MAX_BATCH_RECORDS} messages when it is inflated; none of them was read`;

type Algorithm = { decompressSync(data: Buffer): Buffer };
export type Algorithms = { readonly [name in 'gzip' | 'snappy' | 'lz4' | 'zstd']: Algorithm };

const MARK_BYTES = 24;
const [tooLarge, later] = [newStandIn(), newStandIn()];
let isBound = false;
let left = MAX_ANSWER_BYTES;

/** Bounds what the algorithms of the client inflate, in this process. */
export function boundInflation(algorithms: Algorithms): void {
  if (isBound) return;
  isBound = true;
  const { gzip, zstd, snappy, lz4 } = algorithms;
  const { zstdDecompressSync } = zlib as { zstdDecompressSync?: typeof zlib.gunzipSync };
  gzip.decompressSync = bound((data, maxOutputLength) => zlib.gunzipSync(data, { maxOutputLength }));
  if (zstdDecompressSync) {
    zstd.decompressSync = bound((data, maxOutputLength) => zstdDecompressSync(data, { maxOutputLength }));
  }
  // These inflate to 22 and 255 times the size of a batch, at most.
  for (const one of [snappy, lz4]) one.decompressSync = bound(one.decompressSync);
}

function bound(inflate: (data: Buffer, maxOutputLength: number) => Buffer): (data: Buffer) => Buffer {
  return (data) => {
    const max = Math.min(MAX_BATCH_BYTES, left);
    const beyond = max < MAX_BATCH_BYTES ? later : tooLarge;
    let inflated: Buffer;
    try {
      inflated = inflate(data, max);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
      return beyond.batch;
    }
    if (inflated.length > max) return beyond.batch;
    if (hasTooManyRecords(inflated)) return tooLarge.batch;
    left -= inflated.length;
    return inflated;
  };
}

/** Looks at the lengths that the records begin with, without parsing them. */
function hasTooManyRecords(inflated: Buffer): boolean {
  let position = 0;
  for (let records = 0; position < inflated.length; records++) {
    if (records > MAX_BATCH_RECORDS) return true;
    let [length, shift] = [0, 0];
    for (let byte = 0x80; byte & 0x80 && shift < 35; shift += 7) {
      byte = inflated[position++] ?? 0;
      length += (byte & 0x7f) * 2 ** shift;
    }
    // Zigzag: no length is negative.
    position += length / 2;
  }
  return false;
}

/**
 * Puts into an answer what the replaced batches stand for: one record at the end of a batch that is too large, which `isTooLarge` knows, and
 * nothing for what is to be asked for again, with all that follows it.
 */
export function replaceStandIns(partition: Pick<FetchedPartition, 'records'>): void {
  const batches = partition.records ?? [];
  for (const [index, batch] of batches.entries()) {
    const [first] = batch.records;
    if (!first?.value || first.value.length !== MARK_BYTES) continue;
    if (first.value.equals(later.mark)) {
      partition.records = batches.slice(0, index);
      return;
    }
    if (first.value.equals(tooLarge.mark)) batch.records = [{ ...first, offsetDelta: batch.lastOffsetDelta }];
  }
}

/** Returns whether a value stands for a batch that is too large. */
export function isTooLarge(value: Buffer | null): boolean {
  return value?.length === MARK_BYTES && value.equals(tooLarge.mark);
}

/** Notes that an answer is parsed. */
export function endAnswer(): void {
  left = MAX_ANSWER_BYTES;
}

/** Makes the bytes of a batch with a record that has a random value, and empty records: of them the client reads as many as there were. */
function newStandIn(): { readonly mark: Buffer; readonly batch: Buffer } {
  const mark = randomBytes(MARK_BYTES);
  // Length (which is not used), attributes, time, offset, no key, and the value with its length. No headers follow.
  const record = Buffer.concat([Buffer.from([0, 0, 0, 0, 1, 2 * MARK_BYTES]), mark]);
  const batch = Buffer.alloc(record.length + 7 * (MAX_BATCH_RECORDS + 1));
  record.copy(batch);
  return { mark, batch };
}
