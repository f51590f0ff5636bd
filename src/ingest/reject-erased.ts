import { isRelayed } from '../catalog/lifecycle-events.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Millis } from '../model/event.ts';
import { loadErasures } from '../store/erasure/load-erasures.ts';
import { type EventResult, emptyResult } from './results.ts';
import type { LockedTransaction } from './transaction.ts';

/**
 * Rejects events from before the erasure of their user, and news of Tidings itself about one who has not come back: they would
 * bring the user back. Asks the database only if there are events that may be so old.
 * @param erasedUntil the latest erasure of the tenant
 * @returns results by event key
 */
export async function rejectErased(
  { connection, facts, request: { tenantId } }: LockedTransaction,
  fresh: readonly ReceivedEvent[],
  erasedUntil: Millis,
): Promise<ReadonlyMap<string, EventResult>> {
  const rejected = new Map<string, EventResult>();
  const asked = fresh.filter((event) => event.time <= erasedUntil || isNewsOfUnknownUser(event));
  if (asked.length === 0) return rejected;
  const erasures = await loadErasures(connection, facts.seal, tenantId, [
    ...new Set(asked.map(({ userId }) => userId)),
  ]);
  if (erasures.size === 0) return rejected;
  for (const event of asked) {
    const erasedAt = erasures.get(event.userId);
    if (erasedAt === undefined || (event.time > erasedAt && !isNewsOfUnknownUser(event))) continue;
    rejected.set(event.key, {
      ...emptyResult(event.eventId, 'rejected'),
      code: 'user_erased',
      path: 'user_id',
      message: 'user_id is that of a user who was erased after the time of this event',
    });
  }
  return rejected;

  function isNewsOfUnknownUser(event: ReceivedEvent): boolean {
    return !facts.addressHashes.has(event.userId) && isRelayed(event);
  }
}
