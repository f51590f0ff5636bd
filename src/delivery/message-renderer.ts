import type pg from 'pg';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Provider } from '../channels/provider.ts';
import type { StoredVersion } from '../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel, Message, MessageLocale, ShownTemplate } from '../model/delivery.ts';
import type { OwnContent } from '../model/direct.ts';
import { ADDRESS_TRAITS, type AddressKind, type JsonObject } from '../model/event.ts';
import type { TenantProfile } from '../model/tenant.ts';
import type { Tracking } from '../model/tracking.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { templateFailed } from '../observe/happenings.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import { maskText, storableText } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadSealedAddresses } from '../store/addresses.ts';
import { type ClaimedDelivery, loadNotificationData } from '../store/deliveries/claimed-delivery.ts';
import { addMarketingFooter, toSenderFacts } from '../templates/marketing-footer.ts';
import { buildOwnMessage } from '../templates/own-message.ts';
import { type CompiledTemplate, explainBlank, renderMessage } from '../templates/template.ts';
import { toTemplateValues } from '../templates/values.ts';
import { openAddress } from '../users/addresses.ts';
import { toUnopened, type Unsent } from './dispatch-result.ts';
import type { MessageLinks } from './message-links.ts';

export interface RenderedMessage {
  readonly message: Message;
  /** Absent: the message has no template. */
  readonly locale?: MessageLocale;
  /** Present for a template of the API, and in a test of variants. */
  readonly template?: ShownTemplate;
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
  /** Returns a version of a template of the API for a test; absent: tests show the active templates only. */
  readonly loadTestTemplate?: TestTemplates | undefined;
  /** URLs that go out with messages; undefined: the installation has no public URL, and no message is tracked. */
  readonly links: MessageLinks | undefined;
  /** Whether a marketing email without a link to unsubscribe is not sent, if it would leave this machine. */
  readonly needsUnsubscribeLink: boolean;
}

/** Undefined: there is no such version, or it does not fit the catalog version. */
export type TestTemplates = (
  tenantId: string,
  catalogVersion: number,
  version: StoredVersion,
) => Promise<CompiledTemplate | undefined>;

/** Choices of a test of templates; null: as for any message. */
interface TestMark {
  readonly template: StoredVersion | null;
  readonly locale: string | null;
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
    const stored = await this.#openData(delivery);
    if (!stored) return toUnopened('the data of its template');
    const { test: mark, ...opened } = stored;
    const test = mark as unknown as TestMark | undefined;
    // A fact: what endpoints receive is the event itself.
    if (catalogVersion === FACT_VERSION) return { message: { text: '', data: opened } };
    const found = this.#options.getTenant(tenantId);
    const tenant = found instanceof Promise ? await found : found;
    const userLocale = getUserLocale(opened);
    const locale = test?.locale ?? userLocale ?? tenant.settings.locale ?? '';
    if (opened.content !== undefined) return this.#toOwn(delivery, opened, tenant, provider, locale);
    const fallbacks = tenant.settings.locale_fallbacks;
    const isDigest = (opened.about as JsonObject | undefined)?.digest === true;
    const versions = { catalogVersion, activeCatalog };
    // A test is in no test of variants: it counts nowhere.
    const user = test ? {} : { userId: delivery.userId };
    const key = { tenantId, notificationType, channel, locale, fallbacks, ...user, isDigest, ...versions };
    const template = test?.template
      ? await this.#options.loadTestTemplate?.(tenantId, activeCatalog, test.template)
      : await this.#options.catalogs.loadTemplate(key);
    if (!template && test?.template) {
      return { outcome: { kind: 'rejected', reason: 'the template of the test is gone, or does not fit the catalog' } };
    }
    if (!template) {
      const where = 'neither in the active catalog nor in the one it was decided with';
      return { outcome: { kind: 'rejected', reason: `${notificationType} has no ${channel} template, ${where}` } };
    }
    const data = await this.#withAddresses(delivery, opened, template.readsUserAddresses);
    const links = this.#options.links?.readerLinks(delivery);
    const filled = toTemplateValues(withNotification(delivery, data), template.variables, tenant, links);
    if ('problem' in filled) return toTemplateFailure(channel, `${filled.problem}.`);
    const { values } = filled;
    const rendered = renderMessage(template, values);
    if ('error' in rendered) return toTemplateFailure(channel, rendered.error);
    const { message } = rendered;
    const blank = explainBlank(template, message, values);
    if (blank !== undefined) return toTemplateFailure(channel, blank);
    const ready = await this.#toReady(delivery, message, tenant, provider, template.locale);
    if ('outcome' in ready) return ready;
    const isPlain = template.stored === undefined && template.test === undefined;
    const made = isPlain ? ready : { ...ready, template: toShown(template) };
    // The template of all types without one is in no language.
    if (template.notificationType === '') return made;
    return { ...made, locale: { locale: template.locale, userLocale: userLocale ?? null } };
  }

  /** Makes the message from the content that its request brought. */
  async #toOwn(
    delivery: ClaimedDelivery,
    { content, event }: JsonObject,
    tenant: TenantProfile,
    provider: Provider,
    locale: string,
  ): Promise<RenderedMessage | Unsent> {
    const built = buildOwnMessage(delivery.channel, content as OwnContent, (event ?? {}) as JsonObject);
    if ('error' in built) return { outcome: { kind: 'rejected', reason: `the content of the request ${built.error}` } };
    return this.#toReady(delivery, built.message, tenant, provider, locale);
  }

  async #toReady(
    delivery: ClaimedDelivery,
    rendered: Message,
    tenant: TenantProfile,
    provider: Provider,
    locale: string,
  ): Promise<RenderedMessage | Unsent> {
    const isMarketing = delivery.category === 'MARKETING' && CHANNEL_DESCRIPTORS[delivery.channel].hasUnsubscribeHeader;
    const message = isMarketing ? await this.#withFooter(delivery, rendered, tenant, provider, locale) : rendered;
    if ('outcome' in message) return message;
    const isEmail = CHANNEL_DESCRIPTORS[delivery.channel].addressKind === 'email';
    const sender = isEmail ? tenant.settings.mail_from : undefined;
    const tracking = provider.isSubstitute ? undefined : await this.#findTracking(delivery, message, tenant);
    return { message, ...(sender === undefined ? {} : { sender }), ...(tracking === undefined ? {} : { tracking }) };
  }

  /**
   * Returns a marketing email with what the law wants it to show. One that its provider makes must have it in its template
   * there. An outcome: it must not go out, because no postal address is known, or there is no link to unsubscribe.
   */
  async #withFooter(
    delivery: ClaimedDelivery,
    message: Message,
    tenant: TenantProfile,
    provider: Provider,
    locale: string,
  ): Promise<Message | Unsent> {
    if (message.hosted !== undefined) return message;
    const { tenantId, notificationType, activeCatalog } = delivery;
    const { data, rules } = await this.#options.catalogs.getVersion(tenantId, activeCatalog);
    const facts = toSenderFacts(tenant, rules.notifications.get(notificationType)?.variables, data.variables);
    if (facts.postalAddress === '' && !provider.isSubstitute) return NO_POSTAL_ADDRESS;
    const unsubscribeUrl = this.#options.links?.readerLinks(delivery).unsubscribe_url;
    if (unsubscribeUrl === undefined)
      return this.#options.needsUnsubscribeLink && !provider.isSubstitute ? NO_UNSUBSCRIBE_LINK : message;
    return addMarketingFooter(message, { ...facts, unsubscribeUrl }, locale);
  }

  /** Returns whether opens and clicks of a message are found out; undefined: neither. */
  async #findTracking(
    { tenantId, notificationType, category, catalogVersion }: ClaimedDelivery,
    message: Message,
    { settings }: TenantProfile,
  ): Promise<Tracking | undefined> {
    const { catalogs, links } = this.#options;
    if (!links?.isPublic || category === 'SECURITY' || message.html === undefined) return undefined;
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

/** It is tried again, as long as other messages are: who sets the address has it sent, and it never goes out without one. */
const NO_POSTAL_ADDRESS: Unsent = {
  outcome: {
    kind: 'misconfigured',
    code: 'postal_address_missing',
    reason:
      'a marketing email shows the postal address of its sender, and none is known: set postal_address in the settings of the tenant',
  },
};

/** The same, for who sets the URL. */
const NO_UNSUBSCRIBE_LINK: Unsent = {
  outcome: {
    kind: 'misconfigured',
    code: 'public_url_missing',
    reason:
      'a marketing email shows a link to unsubscribe, and this installation has no URL for it: set TIDINGS_PUBLIC_URL, and start it again',
  },
};

/** A notification that is gone since the claim. */
const NO_DATA = { data: undefined, sealed: null };

function toShown({ stored, test }: CompiledTemplate): ShownTemplate {
  return {
    ...(stored && { templateId: stored.id, templateVersion: stored.version }),
    ...(test && { testId: test.id, variant: test.variant }),
  };
}

/** Adds the notification to the data of a template. */
function withNotification(
  { notificationId, notificationType, channel, userId }: ClaimedDelivery,
  { about, ...data }: JsonObject,
): JsonObject {
  return {
    ...data,
    notification: { id: notificationId, type: notificationType, channel, user_id: userId, ...(about as JsonObject) },
  };
}

function toTemplateFailure(channel: Channel, problem: string): Unsent {
  if (templateFailed.hasSubscribers) templateFailed.publish({ channel });
  return { outcome: { kind: 'rejected', reason: `the template failed: ${problem}` } };
}

const MAX_LOCALE_CHARS = 100;

/** Returns the locale of the user, masked and bounded, as it can be stored; undefined: none is known. */
function getUserLocale(data: JsonObject): string | undefined {
  const user = data.user as JsonObject | undefined;
  return typeof user?.locale === 'string' ? storableText(maskText(user.locale.slice(0, MAX_LOCALE_CHARS))) : undefined;
}
