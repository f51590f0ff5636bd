/** Answer of a broker about a partition, as far as it tells which records count. */
export interface FetchedPartition {
  /** Aborted transactions that the answer has records of. */
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null;
  records?: readonly FetchedBatch[] | null;
}

/** Records of one producer. */
export interface FetchedBatch {
  readonly firstOffset: bigint;
  readonly lastOffsetDelta: number;
  readonly attributes: number;
  readonly producerId: bigint;
  firstTimestamp: bigint;
  readonly maxTimestamp: bigint;
  records: readonly FetchedRecord[];
}

interface FetchedRecord {
  readonly offsetDelta: number;
  timestampDelta: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Bits of the attributes of a batch: it belongs to a transaction; it is the marker of its end. */
const [TRANSACTIONAL, CONTROL] = [0b1_0000, 0b10_0000];
/** Type of a marker, after its version. */
const ABORT = 0;

/**
 * Takes from an answer the records of transactions that were aborted. The client does so only for the last one of each producer, and
 * only if the answer has its end. The batches stay, so that reading goes on behind them.
 */
export function dropAborted({ abortedTransactions, records }: FetchedPartition): void {
  if (!abortedTransactions || abortedTransactions.length === 0 || !records) return;
  const aborted = [...abortedTransactions].sort((one, other) => (one.firstOffset < other.firstOffset ? -1 : 1));
  const open = new Set<bigint>();
  let next = 0;
  for (const batch of records) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (let one = aborted[next]; one && one.firstOffset <= last; one = aborted[++next]) open.add(one.producerId);
    if (batch.attributes & CONTROL) {
      if (readMarker(batch) === ABORT) open.delete(batch.producerId);
    } else if (batch.attributes & TRANSACTIONAL && open.has(batch.producerId)) batch.records = [];
  }
}

function readMarker({ records }: FetchedBatch): number | undefined {
  const key = records[0]?.key;
  return key && key.length >= 4 ? key.readInt16BE(2) : undefined;
}
