import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Provider } from '../channels/provider.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Message, MessageLocale } from '../model/delivery.ts';
import { ADDRESS_TRAITS, type AddressKind, type JsonObject } from '../model/event.ts';
import type { TenantProfile } from '../model/tenant.ts';
import type { Tracking } from '../model/tracking.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import { maskText, storableText } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadSealedAddresses } from '../store/addresses.ts';
import { type ClaimedDelivery, loadNotificationData } from '../store/deliveries/claimed-delivery.ts';
import { explainBlank, renderMessage } from '../templates/template.ts';
import { openAddress } from '../users/addresses.ts';
import { toUnopened, type Unsent } from './dispatch-result.ts';

export interface RenderedMessage {
  readonly message: Message;
  /** Present if the user has a locale. */
  readonly locale?: MessageLocale;
  /** The sender of emails that the tenant has chosen; absent: that of the account. */
  readonly sender?: string;
  /** Opens and clicks to find out; absent: neither. */
  readonly tracking?: Tracking;
}

export interface MessageRendererOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** Returns name and settings of a tenant. */
  readonly getTenant: (tenantId: string) => TenantProfile | Promise<TenantProfile>;
  /** Whether messages can be tracked: the installation has a public URL. */
  readonly canTrack: boolean;
}

/** Makes the message of a delivery from its template and the data that it was decided with. */
export class MessageRenderer {
  readonly #options: MessageRendererOptions;

  constructor(options: MessageRendererOptions) {
    this.#options = options;
  }

  /** @param provider the one that is to send the message; one that discards it makes no tracked message */
  async render(delivery: ClaimedDelivery, provider: Provider): Promise<RenderedMessage | Unsent> {
    const { tenantId, notificationType, channel, catalogVersion, activeCatalog } = delivery;
    const opened = await this.#openData(delivery);
    if (!opened) return toUnopened('the data of its template');
    // A fact: what endpoints receive is the event itself.
    if (catalogVersion === FACT_VERSION) return { message: { text: '', data: opened } };
    const found = this.#options.getTenant(tenantId);
    const tenant = found instanceof Promise ? await found : found;
    const userLocale = getUserLocale(opened);
    const locale = userLocale ?? tenant.settings.locale ?? '';
    const key = { tenantId, notificationType, channel, locale, catalogVersion, activeCatalog };
    const template = await this.#options.catalogs.loadTemplate(key);
    if (!template) {
      const where = 'neither in the active catalog nor in the one it was decided with';
      return { outcome: { kind: 'rejected', reason: `${notificationType} has no ${channel} template, ${where}` } };
    }
    const data = await this.#withAddresses(delivery, opened, template.readsUserAddresses);
    const values = toTemplateValues(delivery, data, tenant);
    const rendered = renderMessage(template, values);
    if ('error' in rendered) return toTemplateFailure(rendered.error);
    const { message } = rendered;
    const blank = explainBlank(template, message, values);
    if (blank !== undefined) return toTemplateFailure(blank);
    const sender = CHANNEL_DESCRIPTORS[channel].addressKind === 'email' ? tenant.settings.mail_from : undefined;
    const tracking = provider.isSubstitute ? undefined : await this.#findTracking(delivery, message, tenant);
    return {
      message,
      ...(userLocale === undefined ? {} : { locale: { locale: template.locale, userLocale } }),
      ...(sender === undefined ? {} : { sender }),
      ...(tracking === undefined ? {} : { tracking }),
    };
  }

  /** Returns whether opens and clicks of a message are found out; undefined: neither. */
  async #findTracking(
    { tenantId, notificationType, category, catalogVersion }: ClaimedDelivery,
    message: Message,
    { settings }: TenantProfile,
  ): Promise<Tracking | undefined> {
    const { catalogs, canTrack } = this.#options;
    if (!canTrack || category === 'SECURITY' || message.html === undefined) return undefined;
    const { rules } = await catalogs.getVersion(tenantId, catalogVersion);
    return rules.notifications.get(notificationType)?.tracking ?? settings.tracking;
  }

  /** Returns the data of the templates as it was decided with; undefined if its originals cannot be opened. */
  async #openData(delivery: ClaimedDelivery): Promise<JsonObject | undefined> {
    const { tenantId, userId, notificationId } = delivery;
    const { data, sealed } =
      delivery.data === null
        ? ((await loadNotificationData(this.#options.pool, delivery)) ?? NO_DATA)
        : { data: delivery.data, sealed: delivery.sealedData };
    if (data === undefined || sealed === null) return data;
    const row = documentRow('notifications', tenantId, userId, notificationId);
    const originals = openDocument(this.#options.seal, sealed, row);
    return originals && { ...data, ...originals };
  }

  /** Puts the current addresses of these kinds in the place of their masks in `user`; a removed one is missing. */
  async #withAddresses(
    { tenantId, userId }: ClaimedDelivery,
    data: JsonObject,
    kinds: readonly AddressKind[],
  ): Promise<JsonObject> {
    if (kinds.length === 0) return data;
    const { pool, seal } = this.#options;
    const rows = await loadSealedAddresses(pool, tenantId, [userId]);
    const user = { ...(data.user as JsonObject) };
    for (const [trait, traitKind] of Object.entries(ADDRESS_TRAITS)) {
      if (!(trait in user)) continue;
      const row = rows.find(({ kind }) => kind === traitKind);
      const address = row && openAddress(seal, row.sealed, tenantId, userId, row.kind);
      if (address === undefined) delete user[trait];
      else user[trait] = address;
    }
    return { ...data, user };
  }
}

/** A notification that is gone since the claim. */
const NO_DATA = { data: undefined, sealed: null };

/** Adds the notification and the tenant to the data of a template, and the zone of the tenant to a user without one. */
function toTemplateValues(
  { notificationId, notificationType, channel, userId }: ClaimedDelivery,
  { about, ...data }: JsonObject,
  { name, settings }: TenantProfile,
): JsonObject {
  const { zone, branding = {} } = settings;
  const user = data.user as JsonObject | undefined;
  const hasZone = zone === undefined || user?.time_zone !== undefined;
  return {
    ...data,
    ...(hasZone ? {} : { user: { ...user, time_zone: zone } }),
    notification: { id: notificationId, type: notificationType, channel, user_id: userId, ...(about as JsonObject) },
    tenant: { name, branding },
  };
}

function toTemplateFailure(problem: string): Unsent {
  return { outcome: { kind: 'rejected', reason: `the template failed: ${problem}` } };
}

const MAX_LOCALE_CHARS = 100;

/** Returns the locale of the user, masked and bounded, as it can be stored; undefined: none is known. */
function getUserLocale(data: JsonObject): string | undefined {
  const user = data.user as JsonObject | undefined;
  return typeof user?.locale === 'string' ? storableText(maskText(user.locale.slice(0, MAX_LOCALE_CHARS))) : undefined;
}
