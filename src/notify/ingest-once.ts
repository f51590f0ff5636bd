import type pg from 'pg';
import { jsonText } from '../events/content.ts';
import { toEventKey } from '../events/envelope.ts';
import type { Pipeline } from '../ingest/pipeline.ts';
import type { EventResult } from '../ingest/results.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import { findStoredEvents } from '../store/event-ids.ts';

/** User and time of an event that an earlier try of the same request has stored. */
export interface StoredEvent {
  readonly userId: string;
  readonly time: Millis;
}

/**
 * Ingests events that Tidings itself makes, each once: what an earlier try of the same request has stored keeps the time and
 * the user that it had then, so that it is a duplicate, whose decisions are its result. One with other content is a `conflict`.
 * @param toItem returns the event of a place, with an id of the caller's
 */
export async function ingestOnce(
  { pipeline, pool }: { readonly pipeline: Pick<Pipeline, 'ingest'>; readonly pool: pg.Pool },
  tenantId: string,
  places: readonly number[],
  toItem: (place: number, stored?: StoredEvent) => JsonObject,
): Promise<EventResult[]> {
  const items = places.map((place) => toItem(place));
  const results = await pipeline.ingest(tenantId, items, false, Buffer.byteLength(jsonText(items)));
  const known = results.flatMap(({ status }, index) => (status === 'conflict' ? [index] : []));
  if (known.length === 0) return results;
  const keyOf = (index: number) => toEventKey((items[index] as JsonObject).event_id as string);
  const stored = await findStoredEvents(pool, tenantId, known.map(keyOf));
  const again = await pipeline.ingest(
    tenantId,
    known.map((index) => toItem(places[index] as number, stored.get(keyOf(index)))),
    false,
  );
  known.forEach((index, place) => {
    results[index] = again[place] as EventResult;
  });
  return results;
}
