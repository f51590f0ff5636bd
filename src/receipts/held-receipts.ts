import type pg from 'pg';
import { endHolds, HELD_MS, lookAtHeldReceipts } from '../store/receipts/held-receipts.ts';
import { findByReference } from './find-messages.ts';
import { type RecordOptions, recordReceipts } from './record-receipts.ts';

/** Receipts that are looked at in one statement, at most; a full round is followed by another at once. */
const MAX_ROUND = 200;

/**
 * Records receipts that came before their message was known, once it is: an attempt may be settled after its receipt has come, by
 * a process that was frozen. Those whose message does not become known are dropped after HELD_MS.
 * @param isStopping returns whether to end after the present round
 */
export async function recordHeldReceipts(
  options: RecordOptions & { readonly pool: pg.Pool },
  isStopping: () => boolean,
): Promise<void> {
  const { pool, clock, log } = options;
  for (let isFull = true; isFull && !isStopping(); ) {
    const now = clock();
    const looked = await lookAtHeldReceipts(pool, now, MAX_ROUND);
    const referenced = await findByReference(
      pool,
      looked.filter(({ message }) => !message),
      now,
    );
    const done: number[] = [];
    let dropped = 0;
    for (const held of looked) {
      const { heldId, receipt, heldAt } = held;
      const message = held.message ?? referenced.get(held);
      try {
        if (message) await recordReceipts(options, message, [receipt]);
      } catch (error) {
        // It is looked at again later; those behind it do not wait for it.
        log.warn({ err: error }, 'a held receipt could not be recorded; will retry');
        continue;
      }
      const isTooOld = now - heldAt >= HELD_MS;
      if (message || isTooOld) done.push(heldId);
      if (!message && isTooOld) dropped++;
    }
    await endHolds(pool, done);
    if (dropped > 0) log.info({ dropped }, 'receipts of messages that did not become known');
    isFull = looked.length === MAX_ROUND;
  }
}
