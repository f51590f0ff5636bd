import { toReadableContext } from '../../events/envelopes/context.ts';
import type { Excerpt } from '../../events/excerpt.ts';
import type { Event, JsonObject } from '../../model/event.ts';

/**
 * A stored event: its properties and traits are masked, and `sealed` holds the originals if they differ. Those of a large
 * event are in its excerpt, which is not sealed.
 */
export interface SealedEvent extends Event {
  readonly sealed: Buffer | null;
  readonly excerpt: Excerpt | null;
}

/** The columns of a content as look-ups read it (CONTENT_COLUMNS of fact-bytes.ts): properties and traits, or an excerpt. */
export interface ContentRow {
  readonly properties: JsonObject | null;
  readonly traits: JsonObject | null;
  readonly sealed: Buffer | null;
  readonly excerpt: Excerpt | null;
  readonly context: JsonObject | null;
}

/** Joins the identity of an event and its content. */
export function toSealedEvent(
  event: Omit<Event, 'properties' | 'traits'>,
  { properties, traits, sealed, excerpt, context }: ContentRow,
): SealedEvent {
  const shown = excerpt ?? { properties: properties ?? {}, traits: traits ?? {} };
  const { properties: shownProperties, traits: shownTraits } = shown;
  return {
    ...event,
    properties: shownProperties,
    traits: shownTraits,
    ...(context && { context: toReadableContext(context) }),
    sealed,
    excerpt,
  };
}
