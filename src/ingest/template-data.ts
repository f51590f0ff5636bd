import { jsonText } from '../events/content.ts';
import type { ReceivedEvent } from '../events/envelope.ts';
import type { Json, JsonObject, Profile } from '../model/event.ts';
import { getFoldedType } from '../model/frequency.ts';
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

/** Returns the data that the templates of a send may show; with the content of its own that a request brought. */
export function toTemplateData(profile: Profile, send: Send): TemplateData {
  const { trigger, matched, data, items, total, variables, direct } = send;
  const properties = direct?.variables ?? trigger.properties;
  const content = direct?.content as JsonObject | undefined;
  // A received event is known to have no address.
  const isPlain = 'sealText' in trigger && (trigger as ReceivedEvent).sealText === null;
  const mask = isPlain ? (document: JsonObject) => document : maskDocument<JsonObject>;
  const masked = {
    event: mask(properties),
    traits: mask(trigger.traits),
    user: maskDocument(profile.traits),
    ...(trigger.context && { context: mask(trigger.context) }),
    ...(matched && { matched: maskDocument(matched) }),
    ...(data && { data: maskDocument(data) }),
    ...(variables && { variables: maskDocument(variables) }),
    ...(items && { items: maskItems(items), total: total ?? items.length }),
    ...(content && { content: mask(content) }),
  };
  const isDigest = getFoldedType(send.rule.name) !== undefined;
  const about = {
    event_type: trigger.type,
    event_timestamp: isoTime(trigger.time),
    ...(isDigest && { digest: true }),
  };
  const text = jsonText({ ...masked, about } as unknown as JsonObject);
  const originals: { readonly [part: string]: unknown } = {
    ...(masked.event !== properties && { event: properties }),
    ...(masked.traits !== trigger.traits && { traits: trigger.traits }),
    ...(masked.user !== profile.traits && { user: profile.traits }),
    ...(masked.context !== trigger.context && { context: trigger.context }),
    ...(masked.matched !== matched && { matched }),
    ...(masked.data !== data && { data }),
    ...(masked.variables !== variables && { variables }),
    ...(masked.items !== items && { items }),
    ...(masked.content !== content && { content }),
  };
  for (const _ in originals) return { text, originals: jsonText(originals as Json) };
  return { text, originals: null };
}
