import type { FetchedPartition } from './aborted-records.ts';

/** Bit of the attributes of a batch: its topic has the times at which the broker appended its records. */
const LOG_APPEND_TIME = 0b1000;

/**
 * Gives the records of topics with `message.timestamp.type=LogAppendTime` the time of the broker, which stands once on each batch. The
 * client gives them the times that the producer wrote.
 */
export function setAppendTimes({ records }: FetchedPartition): void {
  for (const batch of records ?? []) {
    if ((batch.attributes & LOG_APPEND_TIME) === 0) continue;
    batch.firstTimestamp = batch.maxTimestamp;
    for (const record of batch.records) record.timestampDelta = 0n;
  }
}
