import type { JsonObject } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';

/** Marks an item in memory; never part of its JSON, so that no request can carry it. */
const OWN: unique symbol = Symbol('event of Tidings itself');

/** Parts that are stored beside an event of Tidings itself, in the same transaction, and are not in the event. */
export interface BesideEvent {
  /** Evidence of a consent, which is stored sealed. */
  readonly evidence?: JsonObject | undefined;
  /** The entry of the audit log about the change that the event makes. */
  readonly audit?: EventAudit | undefined;
}

/** An entry of the audit log about the change that an event makes. */
export interface EventAudit {
  readonly actor: Actor;
  readonly action: string;
  readonly subject: string;
  readonly detail: JsonObject;
  /**
   * State after the change; `terms`: those of the user before and after the event, as the transaction finds them. Absent: the
   * detail says it all.
   */
  readonly after?: JsonObject | 'terms';
}

/**
 * Marks an event that Tidings itself ingests: about the terms of a user, or the request of a message. It goes through the same
 * pipeline as a posted event; posted, its type would be rejected.
 */
export function markOwn<Item extends object>(item: Item, beside: BesideEvent = {}): Item {
  return Object.defineProperty(item, OWN, { value: beside });
}

/** Returns what is stored beside an event of Tidings itself. */
export function getBeside(item: unknown): BesideEvent {
  return isOwn(item) ? (item as { readonly [OWN]: BesideEvent })[OWN] : {};
}

/** Whether `markOwn` has marked an item of a request. */
export function isOwn(item: unknown): boolean {
  return typeof item === 'object' && item !== null && OWN in item;
}
