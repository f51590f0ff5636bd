import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { FetchFiles } from '../channels/email/fetch-files.ts';
import type { Outgoing, Provider } from '../channels/provider.ts';
import { readPhoneNumber } from '../channels/sms/phone-number.ts';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Cost, DeliveryReasonCode, Message, MessageLocale, SendOutcome, Target } from '../model/delivery.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { PushService } from '../model/device.ts';
import { ADDRESS_TRAITS, type AddressKind, type JsonObject, type Millis } from '../model/event.ts';
import type { TenantProfile } from '../model/tenant.ts';
import type { Tracking } from '../model/tracking.ts';
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
import type { Circuits } from './circuits.ts';
import type { Deadlines, SendDeadline } from './deadlines.ts';
import type { EmailPauses } from './email-pauses.ts';
import { MAX_TOKEN_PRIORITY, MAX_URGENT_PRIORITY } from './lanes.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { MessageLinks } from './message-links.ts';
import type { RouteCache } from './routes/catalog-routes.ts';
import { type AccountChooser, type ChosenAccount, type MessageFacts, NO_ACCOUNT } from './routes/choose-account.ts';
import type { SendLimits } from './send-limits.ts';
import type { SendTokens } from './send-tokens.ts';
import type { TargetSources } from './targets.ts';
import { takesService } from './tenant-accounts.ts';

/** The result of one attempt. */
export interface DispatchResult {
  readonly provider: Provider;
  readonly outcome: AttemptOutcome;
  /** The message as it was sent; absent if the attempt ended before it was rendered. */
  readonly message?: Message;
  /** Present with a message to a user who has a locale. */
  readonly locale?: MessageLocale;
  /** Why it went by its account; absent: there was no choice. */
  readonly choice?: string;
  /** Cost of the message; absent: it is not known. */
  readonly cost?: Cost;
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
/** Longest time in ms after which a delivery comes back whose account is paused: the pause may end before. */
const MAX_PAUSE_MS = 60_000;
/** Deadline of a send, as a multiple of the time of its provider: the provider ends it first, with an outcome that says more. */
const DEADLINE_FACTOR = 1.05;
/** Time in ms for which a token that the claim took is good: a send that starts later takes another. */
const MAX_TOKEN_AGE_MS = 1000;

/** A message that is ready. */
interface ToHandOver {
  readonly target: Target;
  readonly message: Message;
  readonly locale: MessageLocale | undefined;
  readonly sender: string | undefined;
  readonly tracking: Tracking | undefined;
}

export interface ExecutorOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  readonly chooser: AccountChooser;
  readonly routes: RouteCache;
  readonly capacity: Capacity;
  readonly circuits: Circuits;
  readonly limits: SendLimits;
  readonly tokens: SendTokens;
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
  readonly pauses: EmailPauses;
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
    const { chooser, pauses, clock, random, onUnstarted, onCompleted } = this.#options;
    const heldUntil = pauses.findHold(delivery, clock(), random());
    if (heldUntil !== undefined) {
      onUnstarted(delivery, heldUntil, 'sending_paused');
      return;
    }
    const found = chooser.choose(delivery, this.#getFacts(delivery));
    if (!(found instanceof Promise)) {
      this.#queue(delivery, found);
      return;
    }
    found.then(
      (chosen) => this.#queue(delivery, chosen),
      (error) => {
        this.#logError(delivery, error);
        if (!isOver(delivery, clock())) this.#comeBack(delivery, ACCOUNTS_PAUSE_MS);
        else onCompleted(delivery, { provider: NO_ACCOUNT, outcome: NO_OPEN_ACCOUNT }, clock());
      },
    );
  }

  /** Returns what the choice of an account may ask about the message. */
  #getFacts(delivery: ClaimedDelivery): MessageFacts {
    const { targets, catalogs } = this.#options;
    const { tenantId, channel, target } = delivery;
    const source = target === '' ? undefined : targets.get(channel);
    return {
      ...(source?.findService && {
        findService: () => source.findService?.(tenantId, target) ?? Promise.resolve(undefined),
      }),
      needsHosted: async () => (await catalogs.loadTemplate({ ...delivery, locale: '' }))?.hosted !== undefined,
      describeAddress: () => this.#describeAddress(delivery),
    };
  }

  #describeAddress(delivery: ClaimedDelivery): { calling_code?: string; domain?: string } {
    const kind = CHANNEL_DESCRIPTORS[delivery.channel].addressKind;
    const found = kind === undefined ? undefined : this.#openAddress(delivery, kind);
    if (found === undefined || 'outcome' in found) return {};
    const { target } = found;
    const code = target.kind === 'phone' ? readPhoneNumber(target.number)?.callingCode : undefined;
    const domain = target.kind === 'email' ? getDomain(target.address) : undefined;
    return { ...(code === undefined ? {} : { calling_code: code }), ...(domain === undefined ? {} : { domain }) };
  }

  /** Lets a delivery wait for a slot of its provider, or come back later: one account does not take the room of the others. */
  #queue(delivery: ClaimedDelivery, { provider, choice, failure }: ChosenAccount): void {
    const { capacity, circuits, clock, onCompleted } = this.#options;
    if (failure) {
      onCompleted(delivery, { provider, outcome: failure }, clock());
      return;
    }
    // After its retry time it would come back at once, again and again: its last attempt ends it.
    const mayWait = provider.account !== undefined && !isOver(delivery, clock());
    const pause = mayWait ? circuits.getPause(provider) : 0;
    if (pause > 0) this.#comeBack(delivery, Math.min(pause, MAX_PAUSE_MS), 'account_paused');
    else if (mayWait && capacity.isCrowded(provider, delivery.priority)) this.#comeBack(delivery, CROWDED_PAUSE_MS);
    else capacity.runInSlot(delivery, provider, () => this.#attempt(delivery, provider, choice));
  }

  /** Returns a delivery that was not started to the queue, due after about this pause, but not beyond its retry time. */
  #comeBack(delivery: ClaimedDelivery, pause: Millis, holdCode?: string): void {
    const { clock, random, onUnstarted } = this.#options;
    const now = clock();
    const dueAt = now + pause * (1 + random());
    onUnstarted(
      delivery,
      Math.round(now < delivery.retryUntil ? Math.min(delivery.retryUntil, dueAt) : dueAt),
      holdCode,
    );
  }

  async #attempt(delivery: ClaimedDelivery, provider: Provider, choice: string | null): Promise<void> {
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
        result = { provider, outcome: { kind: 'retry', reason: INTERNAL_ERROR_REASON, fault: 'us' } };
      }
    }
    if (!('unstarted' in result)) onCompleted(delivery, choice === null ? result : { ...result, choice }, startedAt);
    else if (result.unstarted === 'lost') capacity.release(delivery);
    else onUnstarted(delivery, result.dueAt, result.holdCode);
  }

  /** Makes at most one call to the provider. Throws only before that call. */
  async #dispatch(delivery: ClaimedDelivery, provider: Provider): Promise<DispatchResult | Unstarted> {
    const { leases } = this.#options;
    if (!leases.isGood(delivery.lease)) return RETURNED;
    const stopped = findStop(delivery, provider);
    if (stopped) return { provider, outcome: stopped };
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
    const tracking = provider.isSubstitute ? undefined : await this.#findTracking(delivery, rendered);
    const completed = await this.#complete(delivery, rendered.message, provider);
    if ('unstarted' in completed) return completed;
    if ('outcome' in completed) return { provider, message: rendered.message, ...completed };
    try {
      return await this.#handOver(delivery, provider, { ...completed, target, locale, sender, tracking });
    } finally {
      completed.release?.();
    }
  }

  async #handOver(
    delivery: ClaimedDelivery,
    provider: Provider,
    { target, message, locale, sender, tracking }: ToHandOver,
  ): Promise<DispatchResult | Unstarted> {
    const { pool, circuits, leases, deadlines } = this.#options;
    const domain = getServerDomain(target);
    const started = circuits.startSend(provider, domain);
    const wait = started instanceof Promise ? await started : started;
    if (wait > 0) {
      const held = this.#postpone(delivery, provider, wait);
      if (held) return held;
    }
    const cancel = (error: unknown): never => {
      circuits.cancelSend(provider, domain);
      throw error;
    };
    const delay = this.#takeTokens(delivery, provider);
    const postponed = delay instanceof Promise ? await delay.catch(cancel) : delay;
    if (postponed) {
      circuits.cancelSend(provider, domain);
      return postponed;
    }
    if (delivery.inDoubt === 'hold') {
      const isMarked = await markSendStarted(pool, delivery).catch(cancel);
      if (!isMarked) {
        circuits.cancelSend(provider, domain);
        return { unstarted: 'lost' };
      }
    }
    // From here to the call nothing is awaited: what is checked still holds then. A provider that awaits asks again.
    if (!leases.isGood(delivery.lease)) {
      circuits.cancelSend(provider, domain);
      return RETURNED;
    }
    const { maxMillis } = provider;
    const deadline = deadlines.next(maxMillis === undefined ? undefined : Math.ceil(maxMillis * DEADLINE_FACTOR));
    let isStopped = false;
    const mayHandOver = () => {
      isStopped = !leases.isGood(delivery.lease);
      return !isStopped;
    };
    const { links } = this.#options;
    const sentAt = this.#options.clock();
    // The message is kept as its template made it: who looks at it here is not its reader.
    const outgoing = tracking && links ? links.track(delivery, message, tracking, sentAt) : message;
    const content = { target, message: outgoing, sender, links };
    const answered = await send(provider, delivery, content, deadline, mayHandOver);
    const result = { ...answered, outcome: spareAccount(answered.outcome, sender), message };
    if (isStopped) {
      circuits.cancelSend(provider, domain);
      return RETURNED;
    }
    if (result.error) this.#logError(delivery, result.error);
    if (this.#stopping) circuits.cancelSend(provider, domain);
    else circuits.report(provider, domain, withTimeout(result.outcome, deadline));
    const cost =
      result.outcome.kind === 'sent' ? await this.#findCost(delivery, provider, target, result.outcome) : undefined;
    return { ...result, ...(locale && { locale }), ...(cost && { cost }) };
  }

  /** Returns what a message cost, as the provider said or by the prices of the catalog; undefined: neither says. */
  async #findCost(
    delivery: ClaimedDelivery,
    { name, isSubstitute }: Provider,
    target: Target,
    { cost, parts = 1 }: Extract<SendOutcome, { kind: 'sent' }>,
  ): Promise<Cost | undefined> {
    if (cost || isSubstitute) return cost;
    try {
      const found = this.#options.routes.find(delivery);
      const { prices } = found instanceof Promise ? await found : found;
      const number = target.kind === 'phone' ? { number: target.number } : {};
      return prices?.find({ provider: name, channel: delivery.channel, ...number, parts, at: this.#options.clock() });
    } catch (error) {
      // It was sent: that must be recorded, whatever it cost.
      this.#logError(delivery, error);
      return undefined;
    }
  }

  /**
   * Returns the message with its files, which are fetched, unless the provider discards it. A template that another provider
   * keeps is of no use to this one: that concerns this message only, and stops no other.
   */
  async #complete(
    { tenantId }: ClaimedDelivery,
    message: Message,
    provider: Provider,
  ): Promise<{ readonly message: Message; readonly release?: () => void } | Unsent | Unstarted> {
    const { hosted, files } = message;
    if ((hosted === undefined && files === undefined) || provider.isSubstitute) return { message };
    if (hosted && !provider.takesHosted) return { outcome: toHostedFailure(provider, hosted.template) };
    if (files === undefined) return { message };
    const fetched = await this.#options.fetchFiles(
      files,
      { tenantId, account: provider },
      this.#options.deadlines.next().signal,
    );
    if (fetched === 'busy') {
      const { clock, random } = this.#options;
      return { unstarted: 'returned', dueAt: Math.round(clock() + CROWDED_PAUSE_MS * (1 + random())) };
    }
    if ('kind' in fetched) return { outcome: fetched };
    const { attachments, release } = fetched;
    return { message: { ...message, attachments }, release };
  }

  /**
   * Returns the delivery to the queue until after the pause of its account or domain. Undefined: it is the domain that is paused,
   * and the retry time of the delivery has passed, so it is tried a last time. What waits for its account waits on.
   */
  #postpone({ retryUntil }: ClaimedDelivery, provider: Provider, wait: Millis): Unstarted | undefined {
    const { clock, random, circuits } = this.#options;
    const now = clock();
    if (circuits.state(provider) !== 'closed') {
      const dueAt = Math.round(now + Math.min(wait, MAX_PAUSE_MS) * (1 + random() / 10));
      return { unstarted: 'returned', dueAt, holdCode: 'account_paused' };
    }
    if (now >= retryUntil) return undefined;
    const dueAt = Math.round(Math.min(retryUntil, now + wait + random() * DOMAIN_SPREAD_MS));
    return { unstarted: 'returned', dueAt, holdCode: 'domain_paused' };
  }

  /**
   * Takes the tokens of the rate limits of a send that its claim did not take, or took too long ago. Returns the delivery to the
   * queue if a token is missing: it loses no attempt, and no time of its retries. Undefined: it may be sent.
   */
  #takeTokens(delivery: ClaimedDelivery, provider: Provider): Unstarted | undefined | Promise<Unstarted | undefined> {
    const { limits, tokens, clock } = this.#options;
    const found = limits.findAll(delivery, provider);
    if (!(found instanceof Promise) && found.length === 0) return undefined;
    const take = async (): Promise<Unstarted | undefined> => {
      const { taken, claimedAt } = delivery;
      const isFresh = claimedAt !== undefined && performance.now() - claimedAt <= MAX_TOKEN_AGE_MS;
      const windows = (await found).filter(({ id }) => !isFresh || !taken?.has(id));
      if (windows.length === 0) return undefined;
      const wait = await tokens.take(windows, delivery.priority <= MAX_TOKEN_PRIORITY);
      return wait === 0
        ? undefined
        : { unstarted: 'returned', dueAt: Math.round(clock() + wait), holdCode: 'rate_limited' };
    };
    return take();
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

  async #renderMessage(delivery: ClaimedDelivery): Promise<
    | {
        readonly message: Message;
        readonly locale?: MessageLocale;
        readonly sender?: string;
        readonly tracking?: Tracking;
      }
    | Unsent
  > {
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
      ...(tenant.settings.tracking === undefined ? {} : { tracking: tenant.settings.tracking }),
    };
  }

  /** Returns what is to be found out about the reader of a message; undefined: nothing. */
  async #findTracking(
    { tenantId, notificationType, category, catalogVersion }: ClaimedDelivery,
    { message, tracking: ofTenant }: { readonly message: Message; readonly tracking?: Tracking },
  ): Promise<Tracking | undefined> {
    const { links, catalogs } = this.#options;
    if (!links || category === 'SECURITY' || message.html === undefined) return undefined;
    const { rules } = await catalogs.getVersion(tenantId, catalogVersion);
    return rules.notifications.get(notificationType)?.tracking ?? ofTenant;
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
  const { tenantId, notificationId, notificationType, channel, userId, attempt, expiresAt } = delivery;
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
    isUrgent: delivery.priority <= MAX_URGENT_PRIORITY,
    ...(expiresAt === null ? {} : { expiresAt }),
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

/** Returns the outcome of a message whose reader replied STOP to its sender; undefined: they did not. */
function findStop({ stoppedSenders }: ClaimedDelivery, { sender, isSubstitute }: Provider): Undeliverable | undefined {
  if (stoppedSenders === null || isSubstitute) return undefined;
  // An unknown sender may be the one that was stopped.
  const stopped = sender === undefined ? stoppedSenders[0] : stoppedSenders.find((one) => one === sender);
  if (stopped === undefined) return undefined;
  const reason = `The owner of the number wants no messages of this sender (scope sender:${stopped}).`;
  return { kind: 'undeliverable', reasonCode: 'suppressed', reason };
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
  return { outcome: { kind: 'retry', reason: `${what} cannot be opened with the current key`, fault: 'us' } };
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

const INTERNAL_ERROR: SendOutcome = { kind: 'in_doubt', reason: INTERNAL_ERROR_REASON, fault: 'us' };

const NO_RESPONSE: SendOutcome = {
  kind: 'in_doubt',
  reason: 'the provider did not respond in time',
  timedOut: true,
};

const NO_OPEN_ACCOUNT: SendOutcome = {
  kind: 'retry',
  reason: 'the accounts of the tenant cannot be opened; see the log',
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

/** Returns the domain whose servers take what is sent to a target, as far as it is the target that names them. */
function getServerDomain(target: Target): string | undefined {
  if (target.kind === 'email') return getDomain(target.address);
  // The endpoint of a browser is a URL of its user.
  return target.kind === 'browser' && URL.canParse(target.endpoint) ? new URL(target.endpoint).host : undefined;
}

/** Returns the domain of an email address in lower case; undefined without one. */
function getDomain(to: string | undefined): string | undefined {
  const at = to?.lastIndexOf('@') ?? -1;
  return at === -1 ? undefined : to?.slice(at + 1).toLowerCase();
}

/**
 * Returns the outcome of a message whose sender its tenant has chosen, and the provider does not accept: it waits, but the account,
 * by which other tenants may send, does not stop.
 */
function spareAccount<Outcome extends AttemptOutcome>(
  outcome: Outcome,
  sender: string | undefined,
): Outcome | SendOutcome {
  if (outcome.kind !== 'misconfigured' || !outcome.isOfSender || sender === undefined) return outcome;
  const { isOfSender: _, reason, ...failure } = outcome;
  return {
    ...failure,
    kind: 'retry',
    of: 'message',
    fault: 'account',
    reason: `the provider does not accept the sender that the setting mail_from of the tenant names (${reason})`,
  };
}

/** Masks addresses in the outcome: a provider may quote them, and the outcome is stored, logged and shown. */
function redactOutcome(outcome: SendOutcome): SendOutcome {
  const response = 'response' in outcome ? outcome.response : undefined;
  const redacted = response === undefined ? {} : { response: redact(response) };
  if (outcome.kind !== 'sent' && outcome.kind !== 'sandboxed')
    return { ...outcome, ...redacted, reason: redact(outcome.reason) };
  const { kind, providerMessageId: id } = outcome;
  const billed = outcome.kind === 'sent' ? toBilled(outcome) : {};
  // A message id may look like an email address; it is not masked.
  return {
    kind,
    ...redacted,
    ...billed,
    ...(id === undefined ? {} : { providerMessageId: storableText(id.slice(0, 500)) }),
  };
}

/** The largest cost and number of parts that their columns hold. */
const MAX_COST = 999_999;
const MAX_PARTS = 32_767;

/** Returns parts and cost that a provider gave, as far as they can be stored. */
function toBilled({ parts, cost }: Extract<SendOutcome, { kind: 'sent' }>) {
  const hasParts = parts !== undefined && Number.isInteger(parts) && parts >= 1 && parts <= MAX_PARTS;
  const hasCost = cost !== undefined && Math.abs(cost.amount) <= MAX_COST && /^[A-Z]{3}$/.test(cost.currency);
  return { ...(hasParts ? { parts } : {}), ...(hasCost ? { cost } : {}) };
}

/** Whether no attempt of a delivery is scheduled from now on. */
function isOver({ retryUntil }: ClaimedDelivery, now: Millis): boolean {
  return now >= retryUntil;
}

/** Returns the error with its stack, and with addresses masked in both, so that it can be logged. */
function redactError(error: unknown): Error {
  const redacted = new Error(redact(String(error)));
  if (error instanceof Error && error.stack) redacted.stack = redact(error.stack, 2000);
  return redacted;
}
