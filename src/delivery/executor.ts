import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { FetchFiles } from '../channels/email/fetch-files.ts';
import type { Outgoing, Provider } from '../channels/provider.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Channel, DeliveryReasonCode, Message, MessageLocale, SendOutcome, Target } from '../model/delivery.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { PushService } from '../model/device.ts';
import { ADDRESS_TRAITS, type AddressKind, type JsonObject, type Millis } from '../model/event.ts';
import type { TenantProfile } from '../model/tenant.ts';
import { FACT_VERSION } from '../model/webhook.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import { maskText, redact, storableText } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadSealedAddresses } from '../store/addresses.ts';
import { type ClaimedDelivery, loadNotificationData, markSendStarted } from '../store/deliveries/deliveries.ts';
import { spreadDelivery } from '../store/deliveries/spread.ts';
import { isUnreachable } from '../store/pg/errors.ts';
import { explainBlank, renderMessage } from '../templates/template.ts';
import { openAddress } from '../users/addresses.ts';
import type { Capacity } from './capacity.ts';
import { chooseProvider, type TenantAccounts, takesService } from './choose-provider.ts';
import type { Circuits } from './circuits.ts';
import type { Deadlines, SendDeadline } from './deadlines.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { MessageLinks } from './message-links.ts';
import type { TargetSources } from './targets.ts';

/** The result of one attempt. */
export interface DispatchResult {
  readonly provider: Provider;
  readonly outcome: AttemptOutcome;
  /** The message as it was sent; absent if the attempt ended before it was rendered. */
  readonly message?: Message;
  /** Present with a message to a user who has a locale. */
  readonly locale?: MessageLocale;
  /** The error that the provider threw, without addresses: a bug. */
  readonly error?: Error;
}

export type AttemptOutcome = SendOutcome | Undeliverable;

/** The message has nowhere to go. */
export interface Undeliverable {
  readonly kind: 'undeliverable';
  readonly reasonCode: DeliveryReasonCode;
  /** A sentence. */
  readonly reason: string;
}

/** The outcome of an attempt that ended before the provider was called. */
type Unsent = Pick<DispatchResult, 'outcome'>;

/**
 * A delivery that was not started. `lost`: another worker has it. Otherwise it returns to the queue, due at `dueAt` (null: as
 * before).
 */
type Unstarted =
  | { readonly unstarted: 'lost' }
  | { readonly unstarted: 'returned'; readonly dueAt: Millis | null; readonly holdCode?: string };

/** Pauses (ms) before deliveries come back that wait for their account: one with many waiting, or one that cannot be opened. */
const CROWDED_PAUSE_MS = 2000;
const ACCOUNTS_PAUSE_MS = 10_000;
/** Time in ms over which deliveries to a domain whose circuit is open are spread after its pause. */
const DOMAIN_SPREAD_MS = 60_000;

/** A message that is ready. */
interface ToHandOver {
  readonly target: Target;
  readonly message: Message;
  readonly locale: MessageLocale | undefined;
  readonly sender: string | undefined;
}

export interface ExecutorOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** The provider of each channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly accounts: TenantAccounts;
  readonly capacity: Capacity;
  readonly circuits: Circuits;
  readonly leases: LeaseClock;
  readonly deadlines: Deadlines;
  readonly clock: () => Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), to spread what waits for a domain. */
  readonly random: () => number;
  readonly log: Logger;
  /** Fetches the files of a message. */
  readonly fetchFiles: FetchFiles;
  /** Sources of devices and endpoints, by channel. */
  readonly targets: TargetSources;
  /** URLs that go out with messages; undefined: none. */
  readonly links: MessageLinks | undefined;
  /** Returns name and settings of a tenant. */
  readonly getTenant: (tenantId: string) => TenantProfile | Promise<TenantProfile>;
  /** Receives the result of each attempt, to be recorded. */
  readonly onCompleted: (delivery: ClaimedDelivery, result: DispatchResult, startedAt: Millis) => void;
  /**
   * Receives a delivery that was not started, because its lease is not surely good, the database is away, or the circuit of
   * its domain is open. It is still held. `dueAt` is when it is due again; null: as before. `holdCode`: why it waits until then.
   */
  readonly onUnstarted: (delivery: ClaimedDelivery, dueAt: Millis | null, holdCode?: string) => void;
}

/**
 * Makes one attempt for each claimed delivery, as many at once as its provider allows:
 *
 *   address ─▶ message ─▶ provider ─▶ outcome
 */
export class Executor {
  readonly #options: ExecutorOptions;
  #stopping = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Starts the attempt as soon as the provider of the delivery has a free slot. */
  submit(delivery: ClaimedDelivery): void {
    const { providers, accounts, circuits, targets } = this.#options;
    const isUsable = (provider: Provider) => circuits.state(provider) !== 'open';
    const { tenantId, channel, target } = delivery;
    const source = target === '' ? undefined : targets.get(channel);
    const findService =
      source?.findService && (() => source.findService?.(tenantId, target) ?? Promise.resolve(undefined));
    const found = chooseProvider({ providers, accounts, isUsable }, delivery, findService);
    if (!(found instanceof Promise)) {
      this.#queue(delivery, found);
      return;
    }
    found.then(
      (provider) => this.#queue(delivery, provider),
      (error) => {
        this.#logError(delivery, error);
        this.#comeBack(delivery, ACCOUNTS_PAUSE_MS);
      },
    );
  }

  /** Lets a delivery wait for a slot of its provider, or come back later: one account does not take the room of the others. */
  #queue(delivery: ClaimedDelivery, provider: Provider): void {
    const { capacity, circuits } = this.#options;
    const pause = provider.account === undefined ? 0 : circuits.getPause(provider);
    if (pause > 0) this.#comeBack(delivery, pause);
    else if (provider.account !== undefined && capacity.isCrowded(provider)) this.#comeBack(delivery, CROWDED_PAUSE_MS);
    else capacity.runInSlot(delivery, provider, () => this.#attempt(delivery, provider));
  }

  /** Returns a delivery that was not started to the queue, due after about this pause, but not beyond its retry time. */
  #comeBack(delivery: ClaimedDelivery, pause: Millis): void {
    const { clock, random, onUnstarted } = this.#options;
    onUnstarted(delivery, Math.round(Math.min(delivery.retryUntil, clock() + pause * (1 + random()))));
  }

  async #attempt(delivery: ClaimedDelivery, provider: Provider): Promise<void> {
    const { capacity, clock, onCompleted, onUnstarted } = this.#options;
    const startedAt = clock();
    let result: DispatchResult | Unstarted;
    try {
      result = await this.#dispatch(delivery, provider);
    } catch (error) {
      // Thrown before the provider was called: nothing was sent, and the provider is not to blame.
      if (isUnreachable(error)) result = RETURNED;
      else {
        this.#logError(delivery, error);
        result = { provider, outcome: { kind: 'retry', reason: INTERNAL_ERROR_REASON } };
      }
    }
    if (!('unstarted' in result)) onCompleted(delivery, result, startedAt);
    else if (result.unstarted === 'lost') capacity.release(delivery);
    else onUnstarted(delivery, result.dueAt, result.holdCode);
  }

  /** Makes at most one call to the provider. Throws only before that call. */
  async #dispatch(delivery: ClaimedDelivery, provider: Provider): Promise<DispatchResult | Unstarted> {
    const { leases } = this.#options;
    if (!leases.isGood(delivery.lease)) return RETURNED;
    const found = await this.#findTarget(delivery, provider);
    if ('unstarted' in found) return found;
    if ('outcome' in found) return { provider, ...found };
    const { target } = found;
    try {
      return await this.#sendTo(delivery, provider, target);
    } finally {
      if (target.kind !== 'none')
        this.#options.targets.get(delivery.channel)?.release?.(delivery.tenantId, delivery.target);
    }
  }

  async #sendTo(delivery: ClaimedDelivery, provider: Provider, target: Target): Promise<DispatchResult | Unstarted> {
    const rendered = await this.#renderMessage(delivery);
    if ('outcome' in rendered) return { provider, ...rendered };
    const { locale, sender } = rendered;
    const completed = await this.#complete(rendered.message, provider);
    if ('unstarted' in completed) return completed;
    if ('outcome' in completed) return { provider, message: rendered.message, ...completed };
    try {
      return await this.#handOver(delivery, provider, { ...completed, target, locale, sender });
    } finally {
      completed.release?.();
    }
  }

  async #handOver(
    delivery: ClaimedDelivery,
    provider: Provider,
    { target, message, locale, sender }: ToHandOver,
  ): Promise<DispatchResult | Unstarted> {
    const { pool, circuits, leases, deadlines } = this.#options;
    if (delivery.inDoubt === 'hold' && !(await markSendStarted(pool, delivery))) return { unstarted: 'lost' };
    // From here to the call nothing is awaited: what is checked still holds then. A provider that awaits asks again.
    if (!leases.isGood(delivery.lease)) return RETURNED;
    const domain = target.kind === 'email' ? getDomain(target.address) : undefined;
    const wait = domain === undefined ? 0 : circuits.startSend(provider, domain);
    if (wait > 0 && this.#options.clock() < delivery.retryUntil) return this.#postpone(delivery, wait);
    const deadline = deadlines.next();
    let isStopped = false;
    const mayHandOver = () => {
      isStopped = !leases.isGood(delivery.lease);
      return !isStopped;
    };
    const { links } = this.#options;
    const result = await send(provider, delivery, { target, message, sender, links }, deadline, mayHandOver);
    if (isStopped) {
      circuits.cancelSend(provider, domain);
      return RETURNED;
    }
    if (result.error) this.#logError(delivery, result.error);
    if (!this.#stopping) circuits.report(provider, domain, withTimeout(result.outcome, deadline));
    return locale ? { ...result, locale } : result;
  }

  /**
   * Returns the message with its files, which are fetched, unless the provider discards it. A template that another provider
   * keeps is of no use to this one: that concerns this message only, and stops no other.
   */
  async #complete(
    message: Message,
    provider: Provider,
  ): Promise<{ readonly message: Message; readonly release?: () => void } | Unsent | Unstarted> {
    const { hosted, files } = message;
    if ((hosted === undefined && files === undefined) || provider.isSubstitute) return { message };
    if (hosted && !provider.takesHosted) return { outcome: toHostedFailure(provider, hosted.template) };
    if (files === undefined) return { message };
    const fetched = await this.#options.fetchFiles(files, this.#options.deadlines.next().signal);
    if (fetched === 'busy') {
      const { clock, random } = this.#options;
      return { unstarted: 'returned', dueAt: Math.round(clock() + CROWDED_PAUSE_MS * (1 + random())) };
    }
    if ('kind' in fetched) return { outcome: fetched };
    const { attachments, release } = fetched;
    return { message: { ...message, attachments }, release };
  }

  /** Returns the delivery to the queue until after the pause of its domain, but not beyond its retry time. */
  #postpone({ retryUntil }: ClaimedDelivery, wait: Millis): Unstarted {
    const { clock, random } = this.#options;
    const dueAt = Math.round(Math.min(retryUntil, clock() + wait + random() * DOMAIN_SPREAD_MS));
    return { unstarted: 'returned', dueAt };
  }

  /** Finds out where the message goes. A delivery to several targets becomes one of each, all of which are queued again. */
  async #findTarget(
    delivery: ClaimedDelivery,
    provider: Provider,
  ): Promise<{ readonly target: Target } | Unsent | Unstarted> {
    const { tenantId, channel, userId, notificationType } = delivery;
    const kind = CHANNEL_DESCRIPTORS[channel].addressKind;
    if (kind) return this.#openAddress(delivery, kind);
    const source = this.#options.targets.get(channel);
    if (!source || provider.isSubstitute) return { target: { kind: 'none' } };
    if (delivery.target === '') {
      const targets = await source.list({ tenantId, userId, notificationType });
      if (targets.length === 0) return { outcome: { kind: 'undeliverable', ...source.missing } };
      return (await spreadDelivery(this.#options.pool, delivery, targets)) ? RETURNED : { unstarted: 'lost' };
    }
    const target = await source.load(tenantId, delivery.target, delivery);
    if (!target) return { outcome: { kind: 'undeliverable', ...TARGET_GONE } };
    if ('holdCode' in target)
      return { unstarted: 'returned', dueAt: Math.round(target.until), holdCode: target.holdCode };
    const service = getPushService(target);
    if (takesService(provider, service)) return { target };
    return {
      outcome: { kind: 'rejected', reason: `no account takes the tokens of ${service}; ${provider.name} does not` },
    };
  }

  #openAddress(
    { tenantId, userId, address }: ClaimedDelivery,
    kind: 'email' | 'phone',
  ): { readonly target: Target } | Unsent {
    if (!address) return { outcome: { kind: 'undeliverable', ...toMissingAddress(kind) } };
    const opened = openAddress(this.#options.seal, address.sealed, tenantId, userId, kind);
    // Temporary: the key may be corrected, and the user may get another address.
    if (opened === undefined) return toUnopened(`the ${kind} address`);
    return { target: kind === 'email' ? { kind, address: opened } : { kind, number: opened } };
  }

  async #renderMessage(
    delivery: ClaimedDelivery,
  ): Promise<{ readonly message: Message; readonly locale?: MessageLocale; readonly sender?: string } | Unsent> {
    const { tenantId, notificationType, channel, catalogVersion, activeCatalog } = delivery;
    const opened = await this.#openData(delivery);
    if (!opened) return toUnopened('the data of its template');
    // A fact: what endpoints receive is the event itself.
    if (catalogVersion === FACT_VERSION) return { message: { text: '', data: opened } };
    const found = this.#options.getTenant(tenantId);
    const tenant = found instanceof Promise ? await found : found;
    const userLocale = getUserLocale(opened);
    const template = await this.#options.catalogs.loadTemplate({
      tenantId,
      notificationType,
      channel,
      locale: userLocale ?? tenant.settings.locale ?? '',
      catalogVersion,
      activeCatalog,
    });
    if (!template) {
      const where = 'neither in the active catalog nor in the one it was decided with';
      return { outcome: { kind: 'rejected', reason: `${notificationType} has no ${channel} template, ${where}` } };
    }
    const { about, ...data } = await this.#withAddresses(delivery, opened, template.readsUserAddresses);
    const notification = {
      id: delivery.notificationId,
      type: notificationType,
      channel,
      user_id: delivery.userId,
      ...(about as JsonObject),
    };
    const values = addTenant({ ...data, notification }, tenant);
    const rendered = renderMessage(template, values);
    if ('error' in rendered) return toTemplateFailure(rendered.error);
    const blank = explainBlank(template, rendered.message, values);
    if (blank !== undefined) return toTemplateFailure(blank);
    const { message } = rendered;
    const sender = CHANNEL_DESCRIPTORS[channel].addressKind === 'email' ? tenant.settings.mail_from : undefined;
    return {
      message,
      ...(userLocale === undefined ? {} : { locale: { locale: template.locale, userLocale } }),
      ...(sender === undefined ? {} : { sender }),
    };
  }

  /** Ends reports to the circuits: aborted sends say nothing about the provider. */
  stop(): void {
    this.#stopping = true;
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

  #logError(delivery: ClaimedDelivery, error: unknown): void {
    const line = { err: error, delivery_id: formatDeliveryId(delivery) };
    this.#options.log.error(line, 'an attempt failed with an internal error');
  }
}

/** A notification that is gone since the claim. */
const NO_DATA = { data: undefined, sealed: null };

type CalledResult = DispatchResult & { readonly outcome: SendOutcome };

/** A message that is ready to go out, and its target. */
interface Content {
  readonly target: Target;
  readonly message: Message;
  readonly sender: string | undefined;
  readonly links: MessageLinks | undefined;
}

async function send(
  provider: Provider,
  delivery: ClaimedDelivery,
  { target, message, sender, links }: Content,
  deadline: SendDeadline,
  mayHandOver: () => boolean,
): Promise<CalledResult> {
  const { tenantId, notificationId, notificationType, channel, userId, attempt } = delivery;
  const unsubscribeUrl = links?.unsubscribeUrl(delivery);
  const outgoing: Outgoing = {
    tenantId,
    notificationId,
    notificationType,
    channel,
    userId,
    target,
    message,
    ...(sender === undefined ? {} : { sender }),
    idempotencyKey: formatDeliveryId(delivery),
    attempt,
    ...(links === undefined ? {} : { receiptUrl: links.receiptUrl(provider, tenantId) }),
    ...(unsubscribeUrl === undefined ? {} : { unsubscribeUrl }),
  };
  try {
    const outcome = await deadline.race(provider.send(outgoing, deadline.signal, mayHandOver), () => NO_RESPONSE);
    return { provider, outcome: redactOutcome(outcome), message };
  } catch (error) {
    // The provider may have thrown before or after it passed the message on.
    return { provider, outcome: INTERNAL_ERROR, message, error: redactError(error) };
  }
}

function toMissingAddress(kind: AddressKind): Omit<Undeliverable, 'kind'> {
  const address = kind === 'email' ? 'email address' : 'phone number';
  const reason = `No ${address} is known for this user: no event has set user_traits.${kind}, or a later one has removed it.`;
  return { reasonCode: `missing_${kind}`, reason };
}

const TARGET_GONE: Omit<Undeliverable, 'kind'> = {
  reasonCode: 'target_gone',
  reason: 'Its device or endpoint was removed after the message was queued for it.',
};

/** Bounded by the retry time of the delivery. A message with masks in the place of values is never sent. */
function toUnopened(what: string): Unsent {
  return { outcome: { kind: 'retry', reason: `${what} cannot be opened with the current key` } };
}

function toTemplateFailure(problem: string): Unsent {
  return { outcome: { kind: 'rejected', reason: `the template failed: ${problem}` } };
}

function toHostedFailure({ name }: Provider, template: string): SendOutcome {
  const reason = `${name} keeps no templates, and the message is to be made from ${template}: route it to a provider that does, or write a template here`;
  return { kind: 'misconfigured', code: 'provider_template', reason };
}

/** Adds the tenant to the data of a template, and its zone to a user without one. */
function addTenant(data: JsonObject, { name, settings }: TenantProfile): JsonObject {
  const { zone, branding = {} } = settings;
  const user = data.user as JsonObject | undefined;
  const hasZone = zone === undefined || user?.time_zone !== undefined;
  return { ...data, ...(hasZone ? {} : { user: { ...user, time_zone: zone } }), tenant: { name, branding } };
}

const MAX_LOCALE_CHARS = 100;

function getUserLocale(data: JsonObject): string | undefined {
  const user = data.user as JsonObject | undefined;
  return typeof user?.locale === 'string' ? storableText(maskText(user.locale.slice(0, MAX_LOCALE_CHARS))) : undefined;
}

const INTERNAL_ERROR_REASON = 'internal error in Tidings; see its log';

const INTERNAL_ERROR: SendOutcome = { kind: 'in_doubt', reason: INTERNAL_ERROR_REASON };

const NO_RESPONSE: SendOutcome = {
  kind: 'in_doubt',
  reason: 'the provider did not respond in time',
  timedOut: true,
};

const RETURNED: Unstarted = { unstarted: 'returned', dueAt: null };

/** Returns the outcome with `timedOut`, if the send was aborted for its time; the provider may not have said so. */
function withTimeout(outcome: SendOutcome, { signal }: SendDeadline): SendOutcome {
  const isFailure = outcome.kind === 'retry' || outcome.kind === 'in_doubt';
  return isFailure && signal.aborted ? { ...outcome, timedOut: true } : outcome;
}

/** Returns the push service of a target; undefined: it has no service, or it is not known. */
function getPushService(target: Target): PushService | undefined {
  if (target.kind === 'browser') return 'web_push';
  return target.kind === 'device' ? target.service : undefined;
}

/** Returns the domain of an email address in lower case; undefined without one. */
function getDomain(to: string | undefined): string | undefined {
  const at = to?.lastIndexOf('@') ?? -1;
  return at === -1 ? undefined : to?.slice(at + 1).toLowerCase();
}

/** Masks addresses in the outcome: a provider may quote them, and the outcome is stored, logged and shown. */
function redactOutcome(outcome: SendOutcome): SendOutcome {
  const response = 'response' in outcome ? outcome.response : undefined;
  const redacted = response === undefined ? {} : { response: redact(response) };
  if (outcome.kind !== 'sent' && outcome.kind !== 'sandboxed')
    return { ...outcome, ...redacted, reason: redact(outcome.reason) };
  const { kind, providerMessageId: id } = outcome;
  // A message id may look like an email address; it is not masked.
  return { kind, ...redacted, ...(id === undefined ? {} : { providerMessageId: storableText(id.slice(0, 500)) }) };
}

/** Returns the error with its stack, and with addresses masked in both, so that it can be logged. */
function redactError(error: unknown): Error {
  const redacted = new Error(redact(String(error)));
  if (error instanceof Error && error.stack) redacted.stack = redact(error.stack, 2000);
  return redacted;
}
