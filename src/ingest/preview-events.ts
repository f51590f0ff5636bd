import type pg from 'pg';
import type { ReceivedEvent } from '../events/envelope.ts';
import { rejectOversized } from './bounds/profile-bound.ts';
import { redirectMerged, withRedirected } from './redirect-merged.ts';
import { addRejected, type EventResult, splitDuplicates, toResults } from './results.ts';
import { beginLocked, decideEmitted, decideEvents, type TransactionParts } from './transaction.ts';

/**
 * Decides events as `ingestEvents` does, and stores nothing: the transaction is rolled back. Returns a result for each, in
 * order.
 */
export async function previewEvents(
  parts: TransactionParts,
  connection: pg.PoolClient,
  tenantId: string,
  events: readonly ReceivedEvent[],
): Promise<EventResult[]> {
  const userIds = [...new Set(events.map(({ userId }) => userId))];
  const asked = { tenantId, userIds, events, checkDuplicates: false };
  const transaction = await beginLocked(parts, connection, asked);
  const { request, query, rows, facts, decider } = transaction;
  const redirected = rows.hasMerges ? await redirectMerged(transaction, new Map()) : undefined;
  if (redirected) {
    await connection.query('rollback');
    return withRedirected(redirected, (moved) => previewEvents(parts, connection, tenantId, moved));
  }
  const { existing, fresh } = splitDuplicates(request.events, rows);
  const { accepted, rejected } = rejectOversized(fresh, facts);
  await decideEmitted(transaction, await decideEvents(transaction, query, accepted));
  await connection.query('rollback');
  return toResults(events, addRejected(events, existing, rejected), decider.batch.events);
}
