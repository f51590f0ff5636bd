import type { ReceivedEvent } from '../events/envelope.ts';
import { loadFacts } from '../store/facts/facts.ts';
import { loadMerges } from '../store/merge/merged-users.ts';
import { addRejected, type EventResult, type ExistingResult, splitDuplicates } from './results.ts';
import type { LockedTransaction } from './transaction.ts';

/** Events of a batch of which some are of users that were merged into others. */
export interface Redirected {
  /** One entry for each event of the batch; null or `repeats`: it is among `events`. */
  readonly existing: readonly ExistingResult[];
  /** The events that are not stored yet, those of merged users as events of the survivors. */
  readonly events: readonly ReceivedEvent[];
}

/**
 * Returns the events as those of the users who are there now; undefined: none of the users was merged. An event that was stored
 * under the earlier id is a duplicate. The transaction holds the locks of the wrong users then, and is to be run again.
 * @param rejected results of events that are rejected in any case, by event key
 */
export async function redirectMerged(
  { connection, request, query, rows }: LockedTransaction,
  rejected: ReadonlyMap<string, EventResult>,
): Promise<Redirected | undefined> {
  const { tenantId, userIds, events, checkDuplicates } = request;
  const merges = await loadMerges(connection, tenantId, userIds);
  if (merges.size === 0) return undefined;
  const stored = checkDuplicates ? rows : await loadFacts(connection, { ...query, events, history: [], limits: [] });
  const existing = addRejected(events, splitDuplicates(events, stored).existing, rejected);
  const left = events.filter((_, index) => isOpen(existing[index]));
  return {
    existing,
    events: left.map((event) => {
      const merge = merges.get(event.userId);
      return merge ? { ...event, userId: merge.into } : event;
    }),
  };
}

/** Runs the redirected events, and returns a result for each event of the batch, in their order. */
export async function withRedirected(
  redirected: Redirected,
  run: (events: readonly ReceivedEvent[]) => Promise<readonly EventResult[]>,
): Promise<EventResult[]> {
  const { events } = redirected;
  return completeRedirected(redirected, events.length === 0 ? [] : await run(events));
}

/** Returns a result for each event of the batch, in their order. @param results those of the redirected events */
export function completeRedirected({ existing }: Redirected, results: readonly EventResult[]): EventResult[] {
  let next = 0;
  return existing.map((known) => (isOpen(known) ? (results[next++] as EventResult) : known));
}

function isOpen(known: ExistingResult | undefined): known is null | 'repeats' {
  return known === null || known === 'repeats';
}
