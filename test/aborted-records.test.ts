import { expect, test } from 'vitest';
import { dropAborted, type FetchedPartition } from '../src/kafka/aborted-records.ts';

/** Records that count in the answer of a broker: none of a transaction that was aborted. */

const [TRANSACTIONAL, CONTROL] = [16, 32];

const data = (firstOffset: number, producer: number, attributes = TRANSACTIONAL) => ({
  ...{ firstOffset: BigInt(firstOffset), lastOffsetDelta: 0, attributes, producerId: BigInt(producer) },
  ...{ firstTimestamp: 0n, maxTimestamp: 0n },
  records: [{ offsetDelta: 0, timestampDelta: 0n, key: Buffer.from(`${firstOffset}`), value: null }],
});
const marker = (firstOffset: number, producer: number, type: number) => ({
  ...data(firstOffset, producer, TRANSACTIONAL | CONTROL),
  records: [{ offsetDelta: 0, timestampDelta: 0n, key: Buffer.from([0, 0, 0, type]), value: null }],
});
const [ABORT, COMMIT] = [0, 1];

function keep(partition: FetchedPartition): number[] {
  dropAborted(partition);
  return (partition.records ?? [])
    .filter(({ attributes, records }) => !(attributes & CONTROL) && records.length > 0)
    .map(({ firstOffset }) => Number(firstOffset));
}

const aborted = (...ones: [producer: number, firstOffset: number][]) =>
  ones.map(([producer, firstOffset]) => ({ producerId: BigInt(producer), firstOffset: BigInt(firstOffset) }));

test('of several aborted transactions of one producer, none counts; those between them do', () => {
  const records = [data(0, 1), marker(1, 1, ABORT), data(2, 1), marker(3, 1, COMMIT), data(4, 1), marker(5, 1, ABORT)];
  expect(keep({ abortedTransactions: aborted([1, 4], [1, 0]), records })).toEqual([2]);
});

test('one whose end is in a later answer does not count, and its batches stay for the position', () => {
  const records = [data(10, 7), data(11, 7), data(12, 8), data(13, 9, 0)];
  expect(keep({ abortedTransactions: aborted([7, 3]), records })).toEqual([12, 13]);
  expect(records).toHaveLength(4);
});

test('without aborted transactions nothing changes', () => {
  expect(keep({ abortedTransactions: null, records: [data(0, 1), data(1, 2, 0)] })).toEqual([0, 1]);
  expect(keep({ abortedTransactions: [], records: null })).toEqual([]);
});
