import type { ReceivedEvent, Rejection } from '../events/envelope.ts';
import type { Decision } from '../model/decision.ts';
import type { Facts } from '../store/facts.ts';

/** What became of one event of a request. */
export interface EventResult {
  readonly eventId: string | null;
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'conflict';
  readonly decisions: readonly Decision[];
  /** For `rejected` and `conflict`. */
  readonly code?: Rejection['code'];
  readonly path?: string;
  readonly message?: string;
}

/** The answer for an event that is stored already; `repeats`: it is the same as one before it in the batch; null: it is new. */
export type ExistingResult = EventResult | 'repeats' | null;

/** Which events are new, and how each of them stands. */
export function splitDuplicates(
  events: readonly ReceivedEvent[],
  facts: Facts,
): { standing: ExistingResult[]; fresh: ReceivedEvent[] } {
  const fresh: ReceivedEvent[] = [];
  const inBatch = new Map<string, string>();
  const standing = events.map((event, index): ExistingResult => {
    const before = inBatch.get(event.key);
    const storedHash = before ?? facts.contentHashes.get(event.key);
    const stored = facts.stored.get(index);
    if (storedHash !== undefined && storedHash !== event.contentHash) {
      return {
        ...emptyResult(event.eventId, 'conflict'),
        code: 'event_id_conflict',
        path: 'event_id',
        message: 'event_id is already stored with other content; a new event needs an id of its own',
      };
    }
    if (before !== undefined) return 'repeats';
    if (stored || storedHash !== undefined) {
      return { ...emptyResult(event.eventId, 'duplicate'), decisions: stored ?? [] };
    }
    inBatch.set(event.key, event.contentHash);
    fresh.push(event);
    return null;
  });
  return { standing, fresh };
}

/** A repetition within the batch hears what was decided about the first of its kind. @param decided by event key */
export function toResults(
  events: readonly ReceivedEvent[],
  standing: readonly ExistingResult[],
  decided: ReadonlyMap<string, readonly Decision[]>,
): EventResult[] {
  return events.map((event, index) => {
    const how = standing[index] ?? null;
    if (how !== null && how !== 'repeats') return how;
    const decisions = decided.get(event.key) ?? [];
    return { eventId: event.eventId, status: how === null ? 'accepted' : 'duplicate', decisions };
  });
}

/** With nothing decided. */
export function emptyResult(eventId: string | null, status: EventResult['status']): EventResult {
  return { eventId, status, decisions: [] };
}

/** Of an item that is no event. */
export function toRejectedResult(item: unknown, { code, path, message }: Rejection): EventResult {
  const id = (item as { event_id?: unknown } | null)?.event_id;
  return {
    ...emptyResult(typeof id === 'string' ? id.slice(0, 256).toWellFormed() : null, 'rejected'),
    code,
    path,
    message,
  };
}
