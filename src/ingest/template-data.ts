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
  const { trigger, items, total, variables, direct } = send;
  const shown = direct?.test?.shown;
  const { matched = send.matched, data = send.data } = shown ?? {};
  const properties = shown?.event ?? direct?.variables ?? trigger.properties;
  const triggerTraits = shown?.traits ?? trigger.traits;
  const content = direct?.content as JsonObject | undefined;
  // A received event is known to have no address.
  const isPlain = 'sealText' in trigger && (trigger as ReceivedEvent).sealText === null;
  const mask = isPlain ? (document: JsonObject) => document : maskDocument<JsonObject>;
  const masked = {
    event: mask(properties),
    traits: mask(triggerTraits),
    user: maskDocument(profile.traits),
    ...(trigger.context && { context: mask(trigger.context) }),
    ...(matched && { matched: maskDocument(matched) }),
    ...(data && { data: maskDocument(data) }),
    ...(variables && { variables: maskDocument(variables) }),
    ...(items && { items: maskItems(items), total: total ?? items.length }),
    ...(content && { content: mask(content) }),
    ...(shown?.items && { items: maskDocument(shown.items as Json), total: shown.total ?? shown.items.length }),
  };
  const isDigest = getFoldedType(send.rule.name) !== undefined;
  const about = {
    event_type: trigger.type,
    event_timestamp: isoTime(trigger.time),
    ...(isDigest && { digest: true }),
  };
  const mark = direct?.test && { template: direct.test.template ?? null, locale: direct.test.locale ?? null };
  const text = jsonText({ ...masked, about, ...(mark && { test: mark }) } as unknown as JsonObject);
  const originals: { readonly [part: string]: unknown } = {
    ...(masked.event !== properties && { event: properties }),
    ...(masked.traits !== triggerTraits && { traits: triggerTraits }),
    ...(masked.user !== profile.traits && { user: profile.traits }),
    ...(masked.context !== trigger.context && { context: trigger.context }),
    ...(masked.matched !== matched && { matched }),
    ...(masked.data !== data && { data }),
    ...(masked.variables !== variables && { variables }),
    ...(masked.items !== (shown?.items ?? items) && { items: shown?.items ?? items }),
    ...(masked.content !== content && { content }),
  };
  for (const _ in originals) return { text, originals: jsonText(originals as Json) };
  return { text, originals: null };
}
