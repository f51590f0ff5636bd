import type { Excerpt } from '../../events/excerpt.ts';
import type { JsonObject, Millis } from '../../model/event.ts';
import { type SealedEvent, toSealedEvent } from '../encryption/sealed-event.ts';
import { FoundRows, type LeftOutRow } from './fact-bytes.ts';

/** A row of a look-up of events: FOUND_COLUMNS, and what a statement adds. */
export type FoundRow<More extends unknown[] = []> = [
  index: number,
  fits: boolean,
  key: string,
  eventId: string,
  type: string,
  time: Millis,
  properties: JsonObject | null,
  traits: JsonObject | null,
  sealed: Buffer | null,
  excerpt: Excerpt | null,
  context: JsonObject | null,
  ...more: More,
];

/** Columns of a look-up, from a subquery that has those of the event, `i` (from 0) of its look-up, and `fits` (FITS). */
export const FOUND_COLUMNS = `
  i, fits, key, event_id, event_type, event_time, case when fits then properties end, case when fits then traits end,
  case when fits then sealed end, case when fits then excerpt end, case when fits then context end`;

/** Stored events with their content, and what a bound left out. */
export interface LoadedEvents<Item = SealedEvent> {
  readonly events: readonly Item[];
  readonly leftOut: readonly LeftOutRow[];
}

/**
 * Returns the events of the rows that came with their content, in their order, and what was left out of each look-up.
 * @param maxRows bound of the rows of one look-up
 * @param toItem gets the columns that the statement adds
 */
export function collectFound<More extends unknown[], Item>(
  tenantId: string,
  lookups: readonly Lookup[],
  rows: readonly FoundRow<More>[],
  maxRows: number,
  toItem: (event: SealedEvent, ...more: More) => Item,
): LoadedEvents<Item> {
  const found = new FoundRows();
  const events: Item[] = [];
  for (const row of rows) {
    const [index, fits, key, eventId, type, time, properties, traits, sealed, excerpt, context, ...more] = row;
    found.count(index, fits);
    if (!fits) continue;
    const { userId } = lookups[index] as Lookup;
    const event = { tenantId, userId, eventId, key, type, time };
    events.push(toItem(toSealedEvent(event, { properties, traits, sealed, excerpt, context }), ...more));
  }
  return { events, leftOut: found.listLeftOut(lookups, maxRows) };
}

interface Lookup {
  readonly userId: string;
  /** Event type; empty: of any type. */
  readonly type: string;
}
