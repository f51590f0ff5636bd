import type { JsonObject } from '../model/event.ts';

/** Marks an item in memory; never part of its JSON, so that no request can carry it. */
const OWN: unique symbol = Symbol('event of Tidings itself');

/**
 * Marks an event that Tidings itself ingests: about the terms of a user, or the request of a message. It goes through the same
 * pipeline as a posted event; posted, its type would be rejected.
 * @param evidence of a consent, which is stored sealed beside it, and never part of the event
 */
export function markOwn<Item extends object>(item: Item, evidence: JsonObject | null = null): Item {
  return Object.defineProperty(item, OWN, { value: evidence });
}

/** Returns what is stored sealed beside an event of Tidings itself; undefined: nothing. */
export function getEvidence(item: unknown): JsonObject | undefined {
  return isOwn(item) ? ((item as { readonly [OWN]: JsonObject | null })[OWN] ?? undefined) : undefined;
}

/** Whether `markOwn` has marked an item of a request. */
export function isOwn(item: unknown): boolean {
  return typeof item === 'object' && item !== null && OWN in item;
}
