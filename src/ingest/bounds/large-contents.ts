import { jsonText } from '../../events/content.ts';
import type { ReceivedEvent } from '../../events/envelope.ts';
import {
  type Content,
  condenseContent,
  estimateSize,
  isLarge,
  keepNamedFields,
  MAX_PLAIN_CHARS,
  makeExcerpt,
} from '../../events/excerpt.ts';
import type { FieldsByType } from '../../events/named-fields.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import { maskDocument } from '../../privacy/mask.ts';
import type { Send } from '../../rules/context.ts';
import type { DigestItem } from '../../rules/facts.ts';

/*
 * Contents of large events where they are stored: with the event itself as a whole and as an excerpt, but in waits and in the
 * data of templates without what is neither small nor named by the catalog.
 */

/** Returns the JSON of the excerpt of an event; null if its content is not large. */
export function toExcerptText(event: ReceivedEvent): string | null {
  const { propertiesText, traitsText, contextText, sealText } = event;
  const size = propertiesText.length + traitsText.length;
  const sealedSize = sealText?.length ?? 0;
  if (size <= MAX_PLAIN_CHARS && sealedSize <= MAX_PLAIN_CHARS) return null;
  const masked =
    sealText === null ? event : { properties: maskDocument(event.properties), traits: maskDocument(event.traits) };
  const whole = size + sealedSize + (contextText?.length ?? 0);
  return jsonText(makeExcerpt(event, masked, whole, hasMaskedContext(event)) as unknown as Json);
}

/** Whether rules would read another context than the event has, if they read the one that is stored unsealed. */
function hasMaskedContext({ context, contextText, sealText }: ReceivedEvent): boolean {
  return sealText !== null && context !== undefined && jsonText(context) !== contextText;
}

/** The contents of events in a send, and in the state of a wait. */
type Contents = Pick<Send, 'trigger' | 'matched' | 'items'>;

/**
 * Returns a send or the state of a wait with the contents of large events condensed; itself if none is large. Beyond
 * MAX_ITEMS_CHARS the items of a digest have named fields alone, and then the earliest are left out: its total counts them.
 */
export function condenseContents<Whole extends Contents>(whole: Whole, named: FieldsByType): Whole {
  const { trigger, matched, items } = whole;
  const shown: Json[] = [trigger.properties, trigger.traits, matched ?? null, (items ?? null) as Json];
  if (!isLarge(shown)) return whole;
  return {
    ...whole,
    trigger: { ...trigger, ...condenseContent(trigger, named.of(trigger.type)) },
    ...(matched && { matched: condenseMatched(matched, named) }),
    ...(items && { items: condenseItems(items, named) }),
  };
}

/** Bound of the items of a digest, in characters of JSON. */
const MAX_ITEMS_CHARS = 1024 * 1024;

function condenseItems(items: readonly DigestItem[], named: FieldsByType): readonly DigestItem[] {
  const condensed = items.map((item) =>
    mapContent(item, (content) => condenseContent(content, named.of(item.event_type))),
  );
  if (estimateSize(condensed) <= MAX_ITEMS_CHARS) return condensed;
  const kept: DigestItem[] = [];
  let size = 0;
  for (const item of condensed.toReversed()) {
    const one = mapContent(item, (content) => keepNamedFields(content, named.of(item.event_type)));
    size += estimateSize(one);
    if (kept.length > 0 && size > MAX_ITEMS_CHARS) break;
    kept.push(one);
  }
  return kept.reverse();
}

function mapContent(item: DigestItem, map: (content: Content) => Content): DigestItem {
  const { properties: event, traits } = map({ properties: item.event, traits: item.traits });
  return { ...item, event, traits };
}

function condenseMatched(matched: JsonObject, named: FieldsByType): JsonObject {
  return Object.fromEntries(
    Object.entries(matched).map(([type, properties]) => {
      return [type, condenseContent({ properties: properties as JsonObject, traits: {} }, named.of(type)).properties];
    }),
  );
}
