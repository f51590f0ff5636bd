import type pg from 'pg';
import type { ReceivedEvent } from '../events/envelope.ts';
import { commit } from '../store/batch.ts';
import type { Statement } from '../store/pg/pipeline.ts';
import { CpuBudget, type CpuLimits } from './bounds/cpu-budget.ts';
import { rejectOversized } from './bounds/profile-bound.ts';
import { completeRedirected, redirectMerged, withRedirected } from './redirect-merged.ts';
import { rejectErased } from './reject-erased.ts';
import { addRejected, type EventResult, splitDuplicates, toResults } from './results.ts';
import { beginLocked, decideEmitted, decideEvents, type TransactionParts, writeAndAnnounce } from './transaction.ts';

const NONE: ReadonlyMap<string, EventResult> = new Map();

/** Returns statements of the transaction that decides events, by the results of these, in their order. */
export type WriteBeside = (results: readonly EventResult[]) => readonly Statement[];

/**
 * Decides and stores a batch of events in one transaction.
 * @param checkDuplicates whether to look up if the events are stored already; otherwise a duplicate fails the transaction
 *   with a unique violation (23505)
 * @param beside what is written in the same transaction; absent: nothing. Not called if nothing is left to decide or to reject
 * @throws CpuBudgetError when deciding takes more CPU time than the limits allow
 * @returns a result for each event, in their order
 */
export async function ingestEvents(
  parts: TransactionParts,
  connection: pg.PoolClient,
  tenantId: string,
  events: readonly ReceivedEvent[],
  checkDuplicates: boolean,
  limits: CpuLimits,
  beside?: WriteBeside,
): Promise<EventResult[]> {
  const userIds = [...new Set(events.map(({ userId }) => userId))];
  const transaction = await beginLocked(
    parts,
    connection,
    { tenantId, userIds, events, checkDuplicates },
    new CpuBudget(limits),
  );
  const { request, query, rows, facts, decider } = transaction;
  const { existing, fresh } = splitDuplicates(request.events, rows);
  const late = rows.erasedUntil === null ? NONE : await rejectErased(transaction, fresh, rows.erasedUntil);
  const redirected = rows.hasMerges ? await redirectMerged(transaction, late) : undefined;
  if (redirected) {
    await connection.query('rollback');
    return withRedirected(redirected, (moved) =>
      ingestEvents(
        parts,
        connection,
        tenantId,
        moved,
        checkDuplicates,
        limits,
        beside && ((results) => beside(completeRedirected(redirected, results))),
      ),
    );
  }
  const others = late.size === 0 ? fresh : fresh.filter(({ key }) => !late.has(key));
  const { accepted, rejected: oversized } = rejectOversized(others, facts);
  const rejected = late.size === 0 ? oversized : new Map([...oversized, ...late]);
  const known = rejected.size === 0 ? existing : addRejected(events, existing, rejected);
  if (accepted.length === 0) {
    const results = toResults(events, known, []);
    await commit(connection, beside?.(results));
    return results;
  }
  const emitted = await decideEvents(transaction, query, accepted);
  await decideEmitted(transaction, emitted);
  if (!beside) {
    await writeAndAnnounce(parts, transaction);
    return toResults(events, known, decider.batch.events);
  }
  const results = toResults(events, known, decider.batch.events);
  await writeAndAnnounce(parts, transaction, beside(results));
  return results;
}
