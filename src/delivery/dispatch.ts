import type { CatalogCache } from '../catalog/cache.ts';
import type { Outgoing, Provider } from '../channels/provider.ts';
import type { Channel, Message, SendOutcome } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';
import { redact, storableText } from '../privacy/mask.ts';
import type { Seal } from '../privacy/seal.ts';
import { listensTo } from '../rules/rule-set.ts';
import type { ClaimedDelivery, SettledEvent, Settlement } from '../store/deliveries.ts';
import { renderMessage } from '../templates/template.ts';
import { isoTime } from '../time/iso-time.ts';
import { addressAad } from '../users/addresses.ts';

export interface DispatchResult {
  readonly provider: Provider;
  readonly outcome: SendOutcome | { readonly kind: 'undeliverable'; readonly missing: 'email' | 'phone' };
  /** As it was sent, where it was rendered. */
  readonly message?: Message;
  /** What the provider threw, without addresses: a bug. */
  readonly error?: Error;
}

/** How long a send may take. */
export interface SendDeadline {
  /** Aborted when it is time to end. */
  readonly signal: AbortSignal;
  /** What `work` comes to; `otherwise`, should it go on for long after the signal. */
  bound<T>(work: Promise<T>, otherwise: () => T): Promise<T>;
}

/** It ends before the provider is asked. */
type Unsent = Pick<DispatchResult, 'outcome'>;

/**
 * The way of a delivery that a worker claimed, and what rules hear of it when it has ended:
 *
 *   dispatch     address ─▶ render ─▶ send ─▶ outcome
 *   lifecycle    outcome ─▶ an event of the person's, taken in like any other
 */
export class Dispatcher {
  readonly #catalogs: CatalogCache;
  readonly #seal: Seal;
  /** Who carries each channel. */
  readonly providers: ReadonlyMap<Channel, Provider>;

  constructor(catalogs: CatalogCache, seal: Seal, providers: ReadonlyMap<Channel, Provider>) {
    this.#catalogs = catalogs;
    this.#seal = seal;
    this.providers = providers;
  }

  /** One call to a provider for a delivery that the caller holds the lease of. Throws only before that call. */
  async dispatch(delivery: ClaimedDelivery, deadline: SendDeadline): Promise<DispatchResult> {
    const provider = this.providers.get(delivery.channel) as Provider;
    const address = this.#addressOf(delivery);
    if ('outcome' in address) return { provider, ...address };
    const rendered = await this.#messageOf(delivery);
    if ('outcome' in rendered) return { provider, ...rendered };
    return send(provider, delivery, address.to, rendered.message, deadline);
  }

  #addressOf({ tenantId, userId, channel, address }: ClaimedDelivery): { readonly to?: string } | Unsent {
    const kind = ADDRESS_OF[channel];
    if (!kind) return {};
    if (!address) return { outcome: { kind: 'undeliverable', missing: kind } };
    try {
      return { to: this.#seal.open(address.sealed, addressAad(tenantId, userId, kind)) };
    } catch {
      // Not for ever: the key may be put right, and the person may say another one.
      return { outcome: { kind: 'retry', reason: `the ${kind} cannot be opened with the key in use` } };
    }
  }

  async #messageOf(delivery: ClaimedDelivery): Promise<{ readonly message: Message } | Unsent> {
    const { notificationType, channel } = delivery;
    const template = await this.#catalogs.templateFor(delivery);
    if (!template) {
      const where = 'neither in the catalog in force nor in the one it was decided with';
      return { outcome: { kind: 'rejected', reason: `${notificationType} has no ${channel} template, ${where}` } };
    }
    const { about, ...data } = delivery.data;
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

  /** What became of these notifications, as events to be taken in, where a rule of the catalog in force listens. */
  async toLifecycleEvents(
    settled: readonly { readonly delivery: ClaimedDelivery; readonly settlement: Settlement }[],
  ): Promise<SettledEvent[]> {
    const told: SettledEvent[] = [];
    for (const { delivery, settlement } of settled) {
      const type = LIFECYCLE_EVENT_BY_STATUS[settlement.status];
      if (type === undefined) continue;
      const { tenantId, userId, notificationId, channel, notificationType } = delivery;
      const { rules } = await this.#catalogs.at(tenantId, delivery.activeCatalog);
      if (!listensTo(rules, type)) continue;
      const eventId = `${type} ${notificationId}.${channel}.${settlement.attempt.n}`;
      const event = {
        event_id: eventId,
        user_id: userId,
        event_type: type,
        // The same however often it is recorded.
        event_timestamp: isoTime(settlement.attempt.startedAt + settlement.attempt.durationMs),
        properties: {
          notification_type: notificationType,
          notification_id: notificationId,
          channel,
          ...(settlement.reason === null ? {} : { reason: settlement.reason }),
        },
      };
      told.push({ settlement, event: { tenantId, userId, eventId, event } });
    }
    return told;
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
    const outcome = await deadline.bound(provider.send(outgoing, deadline.signal), () => NO_RESPONSE);
    return { provider, outcome: redacted(outcome), message };
  } catch (error) {
    // It may have thrown before it handed the message over, or after.
    return { provider, outcome: INTERNAL_ERROR, message, error: redactedError(error) };
  }
}

/** The address a channel needs. The others reach the person, or our own people, without one. */
const ADDRESS_OF: { readonly [channel in Channel]?: 'email' | 'phone' } = { email: 'email', sms: 'phone' };

/** A notification's own lifecycle, as rules name it (`on: { notification: …, is: failed }`). */
const LIFECYCLE_EVENT_BY_STATUS: { readonly [status in Settlement['status']]?: string } = {
  sent: 'notification.delivered',
  undeliverable: 'notification.failed',
  dead: 'notification.failed',
};

const INTERNAL_ERROR: SendOutcome = { kind: 'in_doubt', reason: 'an error in Tidings itself; see its log' };

const NO_RESPONSE: SendOutcome = { kind: 'in_doubt', reason: 'the provider did not say in time how it ended' };

/** A provider may quote the address, and anything else: what it says is kept, logged and shown. */
function redacted(outcome: SendOutcome): SendOutcome {
  const { response, ...rest } = outcome;
  const said = response === undefined ? {} : { response: redact(response) };
  if (rest.kind !== 'delivered') return { ...rest, ...said, reason: redact(rest.reason) };
  const { kind, providerMessageId: id } = rest;
  // A message id may look like an address, and is none.
  return { kind, ...said, ...(id === undefined ? {} : { providerMessageId: storableText(id.slice(0, 500)) }) };
}

/** A bug in a provider is told with its place, but what it quotes is masked before anybody can log it. */
function redactedError(error: unknown): Error {
  const told = new Error(redact(String(error)));
  if (error instanceof Error && error.stack) told.stack = redact(error.stack, 2000);
  return told;
}
