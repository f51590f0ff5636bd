import type { Catalog } from '../../catalog/compile/compile-catalog.ts';
import { measureSms, type SmsSize } from '../../channels/sms/segments.ts';
import { toTemplateData } from '../../ingest/template-data.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import type { JsonObject } from '../../model/event.ts';
import { type MessageParts, toMessageParts } from '../../privacy/message-view.ts';
import type { Send } from '../../rules/context.ts';
import type { SimulationStep, Simulator } from '../../simulate/simulator.ts';
import { explainBlank, renderMessage } from '../../templates/template.ts';
import { toTemplateValues } from '../../templates/values.ts';

/** The size of an SMS as it is billed. */
type BilledSize = Pick<SmsSize, 'encoding' | 'parts'>;

/** A message of a simulation, with each part that its channel has. */
export type RenderedSend = { readonly notification_type: string; readonly channel: Channel } & (
  | ({ readonly locale: string; readonly billed?: BilledSize } & MessageParts)
  /** Why it would not be sent. */
  | { readonly locale?: string; readonly error: string }
);

/** Renders the messages of a step of a simulation, one for each channel of each notification, in their order. */
export function renderSends(catalog: Catalog, simulator: Simulator, step: SimulationStep): RenderedSend[] {
  return step.sends.flatMap((send) => {
    const { notification_type: type } = send.decision;
    const channels = send.rule.channels ?? catalog.getNotificationType(type).channels;
    const profile = simulator.users.get(step.userId)?.profile ?? { traits: {} };
    return channels.filter(isChannel).map((channel) => renderSend(catalog, send, channel, step.userId, profile));
  });
}

function renderSend(catalog: Catalog, send: Send, channel: Channel, userId: string, profile: object): RenderedSend {
  const { notification_type: type, notification_id: id } = send.decision;
  const { about, ...values } = JSON.parse(toTemplateData(profile as never, send).text) as { about: object };
  const { locale } = (values as { user?: { locale?: unknown } }).user ?? {};
  const template = catalog.findTemplate(type, channel, typeof locale === 'string' ? locale : '');
  const where = { notification_type: type, channel };
  if (!template) return { ...where, error: 'no template' };
  const decided = {
    ...values,
    notification: { id, type, channel, user_id: userId, ...about },
  } as unknown as JsonObject;
  const filled = toTemplateValues(decided, template.variables, NO_TENANT);
  if ('problem' in filled) return { ...where, locale: template.locale, error: `${filled.problem}.` };
  const data = filled.values;
  const rendered = renderMessage(template, data);
  const error = 'error' in rendered ? rendered.error : explainBlank(template, rendered.message, data);
  if (error !== undefined || 'error' in rendered) return { ...where, locale: template.locale, error: error ?? '' };
  const parts = toMessageParts(rendered.message, (text) => text);
  return {
    ...where,
    locale: template.locale,
    ...parts,
    ...(CHANNEL_DESCRIPTORS[channel].addressKind === 'phone' && measure(rendered.message.text)),
  };
}

/** Stands for the tenant, which the files of a catalog do not name. */
const NO_TENANT = { name: '', settings: { asset_base_url: 'https://assets.example' } };

function measure(text: string): { readonly billed: BilledSize } {
  const { encoding, parts } = measureSms(text);
  return { billed: { encoding, parts } };
}

function isChannel(channel: string): channel is Channel {
  return (CHANNELS as readonly string[]).includes(channel);
}

/** Returns a message as lines: where it goes, and below it its parts. A part of several lines, or that is no text, takes lines of its own. */
export function formatRenderedSend(send: RenderedSend): string[] {
  const { notification_type: type, channel, locale, ...parts } = send;
  const head = `${type} ${channel}${locale === undefined || locale === '' ? '' : ` ${locale}`}`;
  return [
    head,
    ...Object.entries(parts).flatMap(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      const lines = text.split('\n');
      return lines.length === 1 ? [`  ${name}: ${text}`] : [`  ${name}:`, ...lines.map((line) => `    ${line}`)];
    }),
  ];
}
