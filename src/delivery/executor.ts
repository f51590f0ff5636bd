import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import type { Outgoing, Provider } from '../channels/provider.ts';
import type { Channel, Message, SendOutcome } from '../model/delivery.ts';
import { ADDRESS_TRAITS, type AddressKind, type JsonObject, type Millis } from '../model/event.ts';
import { documentRow, openDocument } from '../privacy/documents.ts';
import { redact, storableText } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { loadSealedAddresses } from '../store/addresses.ts';
import { type ClaimedDelivery, markSendStarted } from '../store/deliveries.ts';
import { renderMessage } from '../templates/template.ts';
import { openAddress } from '../users/addresses.ts';
import type { Capacity } from './capacity.ts';
import type { Deadlines, SendDeadline } from './deadlines.ts';

/** The result of one attempt. */
export interface DispatchResult {
  readonly provider: Provider;
  readonly outcome: SendOutcome | { readonly kind: 'undeliverable'; readonly missing: 'email' | 'phone' };
  /** The message as it was sent; absent if the attempt ended before it was rendered. */
  readonly message?: Message;
  /** The error that the provider threw, without addresses: a bug. */
  readonly error?: Error;
}

/** The outcome of an attempt that ended before the provider was called. */
type Unsent = Pick<DispatchResult, 'outcome'>;

export interface ExecutorOptions {
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly seal: Seal;
  /** The provider of each channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;
  readonly capacity: Capacity;
  readonly deadlines: Deadlines;
  readonly clock: () => Millis;
  /** A monotonic clock in ms, for the circuit breakers. */
  readonly elapsed: () => Millis;
  readonly log: Logger;
  /** Receives the result of each attempt, to be recorded. */
  readonly onCompleted: (delivery: ClaimedDelivery, result: DispatchResult, startedAt: Millis) => void;
}

/**
 * Makes one attempt for each claimed delivery, as many at once as its provider allows:
 *
 *   address ─▶ message ─▶ provider ─▶ outcome
 */
export class Executor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Starts the attempt as soon as the provider of the delivery has a free slot. */
  submit(delivery: ClaimedDelivery): void {
    const provider = this.#options.providers.get(delivery.channel) as Provider;
    this.#options.capacity.runInSlot(delivery, provider, () => this.#attempt(delivery, provider));
  }

  async #attempt(delivery: ClaimedDelivery, provider: Provider): Promise<void> {
    const { pool, capacity, deadlines, clock, elapsed, onCompleted } = this.#options;
    const startedAt = clock();
    const breaker = capacity.getBreaker(provider);
    let result: DispatchResult;
    try {
      if (delivery.inDoubt === 'hold' && !(await markSendStarted(pool, delivery))) {
        // The lease expired and another worker has the delivery.
        capacity.release(delivery);
        return;
      }
      result = await this.#dispatch(delivery, provider, deadlines.next());
      if (result.error) this.#logError(delivery, result.error);
    } catch (error) {
      // Thrown before the provider was called: nothing was sent.
      this.#logError(delivery, error);
      result = { provider, outcome: { kind: 'retry', reason: INTERNAL_ERROR_REASON } };
      breaker.failed(elapsed());
    }
    // Without a message (no usable address, or a failed template) the provider was not called.
    if (result.message) {
      if (result.outcome.kind === 'retry' || result.error) breaker.failed(elapsed());
      else if (result.outcome.kind !== 'in_doubt') breaker.succeeded();
    }
    onCompleted(delivery, result, startedAt);
  }

  /** Makes at most one call to the provider. Throws only before that call. */
  async #dispatch(delivery: ClaimedDelivery, provider: Provider, deadline: SendDeadline): Promise<DispatchResult> {
    const address = this.#openAddress(delivery);
    if ('outcome' in address) return { provider, ...address };
    const rendered = await this.#renderMessage(delivery);
    if ('outcome' in rendered) return { provider, ...rendered };
    return send(provider, delivery, address.to, rendered.message, deadline);
  }

  #openAddress({ tenantId, userId, channel, address }: ClaimedDelivery): { readonly to?: string } | Unsent {
    const kind = ADDRESS_KIND_BY_CHANNEL[channel];
    if (!kind) return {};
    if (!address) return { outcome: { kind: 'undeliverable', missing: kind } };
    const to = openAddress(this.#options.seal, address.sealed, tenantId, userId, kind);
    // Temporary: the key may be corrected, and the user may get another address.
    if (to === undefined) return toUnopened(`the ${kind} address`);
    return { to };
  }

  async #renderMessage(delivery: ClaimedDelivery): Promise<{ readonly message: Message } | Unsent> {
    const { tenantId, notificationType, channel, catalogVersion, activeCatalog } = delivery;
    const opened = this.#openData(delivery);
    if (!opened) return toUnopened('the data of its template');
    const locale = getLocale(opened);
    const template = await this.#options.catalogs.loadTemplate({
      tenantId,
      notificationType,
      channel,
      locale,
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
    const rendered = renderMessage(template, { ...data, notification });
    if ('error' in rendered) return { outcome: { kind: 'rejected', reason: `the template failed: ${rendered.error}` } };
    return rendered;
  }

  /** Returns the data of the templates as it was decided with; undefined if its originals cannot be opened. */
  #openData({ tenantId, userId, notificationId, data, sealedData }: ClaimedDelivery): JsonObject | undefined {
    if (sealedData === null) return data;
    const row = documentRow('notifications', tenantId, userId, notificationId);
    const originals = openDocument(this.#options.seal, sealedData, row);
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

  #logError({ notificationId, channel }: ClaimedDelivery, error: unknown): void {
    const line = { err: error, delivery_id: `${notificationId}.${channel}` };
    this.#options.log.error(line, 'an attempt failed with an internal error');
  }
}

async function send(
  provider: Provider,
  { tenantId, notificationId, notificationType, channel, userId, attempt }: ClaimedDelivery,
  to: string | undefined,
  message: Message,
  deadline: SendDeadline,
): Promise<DispatchResult> {
  const outgoing: Outgoing = {
    tenantId,
    notificationId,
    notificationType,
    channel,
    userId,
    ...(to === undefined ? {} : { to }),
    message,
    idempotencyKey: `${notificationId}.${channel}`,
    attempt,
  };
  try {
    const outcome = await deadline.race(provider.send(outgoing, deadline.signal), () => NO_RESPONSE);
    return { provider, outcome: redactOutcome(outcome), message };
  } catch (error) {
    // The provider may have thrown before or after it passed the message on.
    return { provider, outcome: INTERNAL_ERROR, message, error: redactError(error) };
  }
}

/** Bounded by the retry time of the delivery. A message with masks in the place of values is never sent. */
function toUnopened(what: string): Unsent {
  return { outcome: { kind: 'retry', reason: `${what} cannot be opened with the current key` } };
}

function getLocale(data: JsonObject): string {
  const user = data.user as JsonObject | undefined;
  return typeof user?.locale === 'string' ? user.locale : 'en';
}

/** The kind of address that a channel needs. Channels that are not listed need no address. */
const ADDRESS_KIND_BY_CHANNEL: { readonly [channel in Channel]?: 'email' | 'phone' } = { email: 'email', sms: 'phone' };

const INTERNAL_ERROR_REASON = 'internal error in Tidings; see its log';

const INTERNAL_ERROR: SendOutcome = { kind: 'in_doubt', reason: INTERNAL_ERROR_REASON };

const NO_RESPONSE: SendOutcome = { kind: 'in_doubt', reason: 'the provider did not respond in time' };

/** Masks addresses in the outcome: a provider may quote them, and the outcome is stored, logged and shown. */
function redactOutcome(outcome: SendOutcome): SendOutcome {
  const { response, ...rest } = outcome;
  const redacted = response === undefined ? {} : { response: redact(response) };
  if (rest.kind !== 'delivered') return { ...rest, ...redacted, reason: redact(rest.reason) };
  const { kind, providerMessageId: id } = rest;
  // A message id may look like an email address; it is not masked.
  return { kind, ...redacted, ...(id === undefined ? {} : { providerMessageId: storableText(id.slice(0, 500)) }) };
}

/** Returns the error with its stack, and with addresses masked in both, so that it can be logged. */
function redactError(error: unknown): Error {
  const redacted = new Error(redact(String(error)));
  if (error instanceof Error && error.stack) redacted.stack = redact(error.stack, 2000);
  return redacted;
}
