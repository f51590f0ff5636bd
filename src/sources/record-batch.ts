import type { KafkaRecord } from '../kafka/client.ts';

/** Records and bytes that one transaction decides, at most; a record of any size is decided alone. */
const MAX_BATCH_RECORDS = 1000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** Takes the records of the next transaction from those that wait. */
export function takeBatch(waiting: KafkaRecord[]): KafkaRecord[] {
  let count = 0;
  for (let bytes = 0; count < Math.min(waiting.length, MAX_BATCH_RECORDS); count++) {
    bytes += sizeOf(waiting[count] as KafkaRecord);
    if (count > 0 && bytes > MAX_BATCH_BYTES) break;
  }
  return waiting.splice(0, count);
}

/** Returns about how many bytes of memory a record takes. */
export function sizeOf({ key, value, headers }: KafkaRecord): number {
  const ofHeaders = headers.reduce((bytes, [name, one]) => bytes + name.length + one.length, 0);
  return (key?.length ?? 0) + (value?.length ?? 0) + ofHeaders + 64;
}
