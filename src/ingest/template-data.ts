import { jsonText } from '../events/content.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Json, JsonObject, Profile } from '../model/event.ts';
import { maskDocument } from '../privacy/mask.ts';
import type { Send } from '../rules/context.ts';
import { maskItems } from '../store/waits/wait-content.ts';
import { isoTime } from '../time/iso-time.ts';

/** The data of a notification's templates, as JSON texts. */
export interface TemplateData {
  /** With addresses masked. */
  readonly text: string;
  /** The parts that have addresses, as they are; null if no part has any. */
  readonly originals: string | null;
}

/** Returns the data that the templates of a send may show. */
export function toTemplateData(profile: Profile, { trigger, matched, data, items, total }: Send): TemplateData {
  // A received event is known to have no address.
  const isPlain = 'sealText' in trigger && (trigger as ReceivedEvent).sealText === null;
  const mask = isPlain ? (document: JsonObject) => document : maskDocument<JsonObject>;
  const masked = {
    event: mask(trigger.properties),
    traits: mask(trigger.traits),
    user: maskDocument(profile.traits),
    ...(trigger.context && { context: mask(trigger.context) }),
    ...(matched && { matched: maskDocument(matched) }),
    ...(data && { data: maskDocument(data) }),
    ...(items && { items: maskItems(items), total: total ?? items.length }),
  };
  const about = { event_type: trigger.type, event_timestamp: isoTime(trigger.time) };
  const text = jsonText({ ...masked, about } as unknown as JsonObject);
  const originals: { readonly [part: string]: unknown } = {
    ...(masked.event !== trigger.properties && { event: trigger.properties }),
    ...(masked.traits !== trigger.traits && { traits: trigger.traits }),
    ...(masked.user !== profile.traits && { user: profile.traits }),
    ...(masked.context !== trigger.context && { context: trigger.context }),
    ...(masked.matched !== matched && { matched }),
    ...(masked.data !== data && { data }),
    ...(masked.items !== items && { items }),
  };
  for (const _ in originals) return { text, originals: jsonText(originals as Json) };
  return { text, originals: null };
}
