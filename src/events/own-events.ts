/** Marks an item in memory; never part of its JSON, so that no request can carry it. */
const OWN: unique symbol = Symbol('event of Tidings itself');

/**
 * Marks an event that Tidings itself ingests, such as one about a suppression. It goes through the same pipeline as a posted event;
 * posted, its type would be rejected.
 */
export function markOwn<Item extends object>(item: Item): Item {
  return Object.defineProperty(item, OWN, { value: true });
}

/** Whether `markOwn` has marked an item of a request. */
export function isOwn(item: unknown): boolean {
  return typeof item === 'object' && item !== null && OWN in item;
}
