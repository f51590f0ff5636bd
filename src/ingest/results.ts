import type { Address, ReceivedEvent, Rejection } from '../events/envelope.ts';
import type { Decision } from '../model/decision.ts';
import { readAddress, type UnusableAddress } from '../privacy/read-address.ts';
import type { FactRows } from '../store/facts/facts.ts';

/** The result of one item of a request. */
export interface EventResult {
  /** The caller's id, or the one made from the content; null if the item is rejected and has no id. */
  readonly eventId: string | null;
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'conflict';
  /** Decisions on the event; of a duplicate, those made when the event was stored, if they stand on its row. */
  readonly decisions: readonly Decision[];
  /** Only of `rejected` and `conflict`, like `path` and `message`. */
  readonly code?: Rejection['code'];
  readonly path?: string;
  readonly message?: string;
  /** Addresses of the event to which no message can go; it is stored all the same. Absent: all of them are good. */
  readonly unusable?: readonly UnusableAddress[];
}

/**
 * The relation of an event to what is already stored: its existing result, `'repeats'` for a duplicate earlier in this batch,
 * or `null` for a new event.
 */
export type ExistingResult = EventResult | 'repeats' | null;

/**
 * Separates new events from those that are stored already or repeated in the batch.
 * @param stored the look-up of these events; empty maps if they were not looked up
 * @returns `existing`: one entry for each event, in their order; `fresh`: the new events
 */
export function splitDuplicates(
  events: readonly ReceivedEvent[],
  { storedDecisions, contentHashes }: Pick<FactRows, 'storedDecisions' | 'contentHashes'>,
): { existing: ExistingResult[]; fresh: ReceivedEvent[] } {
  const fresh: ReceivedEvent[] = [];
  const hashesInBatch = new Map<string, string>();
  const existing = events.map((event, index): ExistingResult => {
    const hashInBatch = hashesInBatch.get(event.key);
    const knownHash = hashInBatch ?? contentHashes.get(event.key);
    const decisions = storedDecisions.get(index);
    if (knownHash !== undefined && knownHash !== event.contentHash) {
      return {
        ...emptyResult(event.eventId, 'conflict'),
        code: 'event_id_conflict',
        path: 'event_id',
        message: 'event_id is already stored with other content; a new event needs an id of its own',
      };
    }
    if (hashInBatch !== undefined) return 'repeats';
    if (decisions || knownHash !== undefined) {
      return { ...emptyResult(event.eventId, 'duplicate'), decisions: decisions ?? [] };
    }
    hashesInBatch.set(event.key, event.contentHash);
    fresh.push(event);
    return null;
  });
  return { existing, fresh };
}

/** Returns the existing results with those of rejected events, by event key; what repeats such an event is rejected as well. */
export function addRejected(
  events: readonly ReceivedEvent[],
  existing: readonly ExistingResult[],
  rejected: ReadonlyMap<string, EventResult>,
): ExistingResult[] {
  return existing.map((result, index) => {
    const isNew = result === null || result === 'repeats';
    return (isNew && rejected.get((events[index] as ReceivedEvent).key)) || result;
  });
}

/**
 * Returns a result for each event, in their order. An event that repeats another of the batch has the decisions on the
 * first one.
 * @param existing as returned by `splitDuplicates`
 * @param decided the new events and the decisions on them; other events may be among them
 */
export function toResults(
  events: readonly ReceivedEvent[],
  existing: readonly ExistingResult[],
  decided: readonly { readonly event: { readonly key: string }; readonly decisions: readonly Decision[] }[],
): EventResult[] {
  const decisionsByKey = new Map(decided.map(({ event, decisions }) => [event.key, decisions]));
  return events.map(({ eventId, key, addresses }, index) => {
    const result = existing[index] ?? null;
    if (result !== null && result !== 'repeats') return result;
    const decisions = decisionsByKey.get(key) ?? [];
    const unusable = addresses.every(isUsable) ? NONE : addresses.flatMap(toUnusable);
    const noted = unusable.length === 0 ? {} : { unusable };
    return { eventId, status: result === null ? 'accepted' : 'duplicate', decisions, ...noted };
  });
}

const NONE: readonly UnusableAddress[] = [];

function isUsable({ kind, value }: Address): boolean {
  return value === null || 'address' in readAddress(kind, value);
}

function toUnusable({ kind, trait, value }: Address): UnusableAddress[] {
  const read = value === null ? undefined : readAddress(kind, value);
  return read && 'problem' in read ? [{ trait, problem: read.problem }] : [];
}

/** A result without decisions. */
export function emptyResult(eventId: string | null, status: EventResult['status']): EventResult {
  return { eventId, status, decisions: [] };
}

/**
 * Builds the result for an item that failed envelope validation. `eventId` is the caller's id if it is a string, truncated
 * to 256 characters.
 */
export function toRejectedResult(item: unknown, { code, path, message, eventId }: Rejection): EventResult {
  const id = eventId ?? (item as { event_id?: unknown } | null)?.event_id;
  return {
    ...emptyResult(typeof id === 'string' ? id.slice(0, 256).toWellFormed() : null, 'rejected'),
    code,
    path,
    message,
  };
}
