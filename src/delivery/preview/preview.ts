import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel, Message } from '../../model/delivery.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import { type MessageParts, toMessageParts } from '../../privacy/message-view.ts';
import { addMarketingFooter, toSenderFacts } from '../../templates/marketing-footer.ts';
import { explainBlank, renderMessage } from '../../templates/template.ts';
import { type ReaderLinks, toTemplateValues } from '../../templates/values.ts';
import { previewLinks } from '../message-links.ts';
import { type Inspection, inspectMessage, type PreviewFinding } from './inspect-message.ts';
import { buildPreviewData, type PreviewInput } from './preview-data.ts';

/** The message that a template would make, with findings about it. */
export interface Preview extends Inspection {
  /** Locale of the template. */
  readonly locale: string;
  /** The locale that was asked for: that of the caller, of the user, or of the tenant. */
  readonly wantedLocale: string | null;
  /** Null: it is not rendered, and a finding says why. */
  readonly message: MessageParts | null;
  /** Data that the template was rendered with. */
  readonly data: JsonObject;
}

/**
 * Renders one message of a type without sending it. Undefined: the catalog has no such type, or no template of it for the
 * channel. Does not throw for any data.
 *
 * @param locale absent: that of the user, or of the tenant
 * @param publicUrl URL of the installation, for the links of a reader; null: it does not have one
 */
export function previewMessage(
  catalog: Catalog,
  tenant: TenantProfile,
  {
    notificationType,
    channel,
    locale,
    ...input
  }: PreviewInput & {
    readonly notificationType: string;
    readonly channel: Channel;
    readonly locale?: string | undefined;
  },
  now: Millis,
  publicUrl: string | null,
): Preview | undefined {
  const type = catalog.rules.notifications.get(notificationType);
  if (!type) return undefined;
  const decided = buildPreviewData(catalog, type, channel, input, now);
  const wantedLocale = locale ?? toText((decided.user as JsonObject).locale) ?? tenant.settings.locale ?? null;
  const { locale_fallbacks: fallbacks } = tenant.settings;
  const template = catalog.findTemplate(notificationType, channel, wantedLocale ?? '', fallbacks);
  if (!template) return undefined;
  const where = { locale: template.locale, wantedLocale };
  const fail = (message: string, data = decided): Preview => ({
    ...where,
    data,
    message: null,
    findings: [{ code: 'not_rendered', severity: 'error', message }],
    links: [],
  });
  const links = previewLinks(publicUrl, { channel, category: type.category });
  const filled = toTemplateValues(decided, template.variables, tenant, links);
  if ('problem' in filled) return fail(filled.problem);
  const rendered = renderMessage(template, filled.values);
  if ('error' in rendered) return fail(rendered.error, filled.values);
  const blank = explainBlank(template, rendered.message, filled.values);
  if (blank !== undefined) return fail(blank, filled.values);
  const facts = toSenderFacts(tenant, type.variables, catalog.data.variables);
  const isMarketing = type.category === 'MARKETING' && CHANNEL_DESCRIPTORS[channel].hasUnsubscribeHeader === true;
  const isShown = isMarketing && rendered.message.hosted === undefined;
  const law = isShown ? applyLaw(rendered.message, facts, links, template.locale) : undefined;
  const message = law?.message ?? rendered.message;
  const inspection = inspectMessage(channel, message);
  return {
    ...where,
    data: filled.values,
    message: toMessageParts(message, (text) => text),
    ...inspection,
    findings: [...(law?.findings ?? []), ...inspection.findings],
  };
}

/** Returns a marketing email with the footer that it goes out with, and what the law wants and it lacks. */
function applyLaw(
  message: Message,
  facts: ReturnType<typeof toSenderFacts>,
  { unsubscribe_url: unsubscribeUrl }: ReaderLinks,
  locale: string,
): { readonly message: Message; readonly findings: readonly PreviewFinding[] } {
  const findings: PreviewFinding[] = [];
  if (facts.postalAddress === '') {
    const text = 'a marketing email shows the postal address of its sender, and none is known: it is not sent';
    findings.push({ code: 'no_postal_address', severity: 'error', message: text });
  }
  if (unsubscribeUrl !== undefined) {
    return { message: addMarketingFooter(message, { ...facts, unsubscribeUrl }, locale), findings };
  }
  const text = 'a marketing email shows a link to unsubscribe, which needs TIDINGS_PUBLIC_URL';
  findings.push({ code: 'no_unsubscribe_link', severity: 'warning', message: text });
  return { message, findings };
}

function toText(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
