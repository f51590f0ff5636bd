import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import { type MessageParts, toMessageParts } from '../../privacy/message-view.ts';
import { explainBlank, renderMessage } from '../../templates/template.ts';
import { toTemplateValues } from '../../templates/values.ts';
import { type Inspection, inspectMessage } from './inspect-message.ts';
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
  const filled = toTemplateValues(decided, template.variables, tenant);
  if ('problem' in filled) return fail(filled.problem);
  const rendered = renderMessage(template, filled.values);
  if ('error' in rendered) return fail(rendered.error, filled.values);
  const blank = explainBlank(template, rendered.message, filled.values);
  if (blank !== undefined) return fail(blank, filled.values);
  return {
    ...where,
    data: filled.values,
    message: toMessageParts(rendered.message, (text) => text),
    ...inspectMessage(channel, rendered.message),
  };
}

function toText(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
