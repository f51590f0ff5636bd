import type pg from 'pg';
import type { Logger } from 'pino';
import type { Outgoing, Provider } from '../channels/provider.ts';
import type { Cost, Message, MessageLocale, SendOutcome, ShownTemplate, Target } from '../model/delivery.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import type { Tracking } from '../model/tracking.ts';
import { formatTraceparent, isTracing, parseTraceparent, readTrace, toAttemptSpan } from '../observe/trace-context.ts';
import { type ClaimedDelivery, markSendStarted } from '../store/deliveries/claimed-delivery.ts';
import type { Circuits } from './circuits.ts';
import type { Deadlines } from './deadlines.ts';
import {
  type DispatchResult,
  LOST,
  MAX_ACCOUNT_PAUSE_MS,
  RETURNED,
  returnUntil,
  type Unstarted,
} from './dispatch-result.ts';
import { MAX_TOKEN_PRIORITY, MAX_URGENT_PRIORITY } from './lanes.ts';
import type { LeaseClock } from './lease-clock.ts';
import type { MessageLinks } from './message-links.ts';
import { sendBy, withTimeout } from './provider-outcome.ts';
import type { RouteCache } from './routes/catalog-routes.ts';
import type { ChosenAccount } from './routes/choose-account.ts';
import type { SendLimits } from './send-limits.ts';
import { listGoodTokens, type SendTokens } from './send-tokens.ts';
import { getServerDomain } from './server-domain.ts';

/** Time in ms over which deliveries to a domain whose circuit is open are spread after its pause. */
const DOMAIN_SPREAD_MS = 60_000;
/** Deadline of a send, as a multiple of the time of its provider: the provider ends it first, with an outcome that says more. */
const DEADLINE_FACTOR = 1.05;

/** A message that is ready, and where it goes. */
export interface ReadyMessage {
  readonly target: Target;
  readonly message: Message;
  readonly locale?: MessageLocale;
  readonly template?: ShownTemplate;
  readonly sender?: string;
  readonly tracking?: Tracking;
}

export interface MessageSenderOptions {
  readonly pool: pg.Pool;
  readonly circuits: Circuits;
  readonly limits: SendLimits;
  readonly tokens: SendTokens;
  readonly leases: LeaseClock;
  readonly deadlines: Deadlines;
  readonly routes: RouteCache;
  /** URLs that go out with messages; undefined: none. */
  readonly links: MessageLinks | undefined;
  readonly clock: () => Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), to spread what waits for a domain. */
  readonly random: () => number;
  readonly log: Logger;
}

/** Gives messages to providers, if circuits, rate limits and the lease of the delivery allow it at that moment. */
export class MessageSender {
  readonly #options: MessageSenderOptions;
  #stopping = false;

  constructor(options: MessageSenderOptions) {
    this.#options = options;
  }

  /** Ends reports to the circuits: aborted sends say nothing about the provider. */
  stop(): void {
    this.#stopping = true;
  }

  /** Makes at most one call to the provider. Throws only before that call. @param chosen the account */
  async send(
    delivery: ClaimedDelivery,
    chosen: ChosenAccount,
    ready: ReadyMessage,
  ): Promise<DispatchResult | Unstarted> {
    const { provider } = chosen;
    const { circuits, leases, deadlines } = this.#options;
    const domain = getServerDomain(ready.target);
    const held = await this.#start(delivery, chosen, domain);
    if (held) return held;
    // From here to the call nothing is awaited: what is checked still holds then. A provider that awaits asks again.
    if (!leases.isGood(delivery.lease)) {
      circuits.cancelSend(provider, domain, delivery);
      return RETURNED;
    }
    const { maxMillis } = provider;
    const deadline = deadlines.next(maxMillis === undefined ? undefined : Math.ceil(maxMillis * DEADLINE_FACTOR));
    let isStopped = false;
    const mayHandOver = () => {
      isStopped = !leases.isGood(delivery.lease);
      return !isStopped;
    };
    const outgoing = this.#toOutgoing(delivery, provider, ready);
    const { outcome, error } = await sendBy(provider, outgoing, deadline, mayHandOver);
    if (isStopped) {
      circuits.cancelSend(provider, domain, delivery);
      return RETURNED;
    }
    if (error) this.#logError(delivery, error);
    if (this.#stopping) circuits.cancelSend(provider, domain, delivery);
    else circuits.report(provider, domain, withTimeout(outcome, deadline), delivery);
    const cost = outcome.kind === 'sent' ? await this.#findCost(delivery, provider, ready.target, outcome) : undefined;
    // The message is kept as its template made it: who looks at it here is not its reader.
    const { message, locale, template } = ready;
    return {
      provider,
      outcome,
      message,
      ...(locale && { locale }),
      ...(template && { template }),
      ...(cost && { cost }),
    };
  }

  /** Starts a send: its circuits let it through, its limits have tokens, and its mark is set. Otherwise nothing is started. */
  async #start(
    delivery: ClaimedDelivery,
    chosen: ChosenAccount,
    domain: string | undefined,
  ): Promise<DispatchResult | Unstarted | undefined> {
    const { circuits } = this.#options;
    const { provider } = chosen;
    const started = circuits.startSend(provider, domain, delivery);
    const wait = started instanceof Promise ? await started : started;
    const paused = wait > 0 ? this.#postpone(delivery, provider, wait) : undefined;
    if (paused) return paused;
    try {
      const held = (await this.#takeTokens(delivery, provider)) ?? (await this.#markStarted(delivery, chosen));
      if (held) circuits.cancelSend(provider, domain, delivery);
      return held;
    } catch (error) {
      circuits.cancelSend(provider, domain, delivery);
      throw error;
    }
  }

  /**
   * Returns the delivery to the queue until after the pause of its account or domain. Undefined: it is the domain that is paused,
   * and the retry time of the delivery has passed, so it is tried a last time. What waited for its account until then ends: otherwise
   * one would end with each probe.
   */
  #postpone({ retryUntil }: ClaimedDelivery, provider: Provider, wait: Millis): DispatchResult | Unstarted | undefined {
    const { clock, random, circuits } = this.#options;
    const now = clock();
    if (circuits.state(provider) !== 'closed') {
      const outcome = now >= retryUntil ? circuits.findLoss(provider, retryUntil) : undefined;
      if (outcome) return { provider, outcome };
      const dueAt = now + Math.min(wait, MAX_ACCOUNT_PAUSE_MS) * (1 + random() / 10);
      return returnUntil(now < retryUntil ? Math.min(retryUntil, dueAt) : dueAt, 'account_paused');
    }
    if (now >= retryUntil) return undefined;
    return returnUntil(Math.min(retryUntil, now + wait + random() * DOMAIN_SPREAD_MS), 'domain_paused');
  }

  /**
   * Takes the tokens of the rate limits of a send that its claim did not take, or took too long ago. Returns the delivery to the
   * queue if a token is missing: it loses no attempt, and no time of its retries. Undefined: it may be sent.
   */
  async #takeTokens(delivery: ClaimedDelivery, provider: Provider): Promise<Unstarted | undefined> {
    const { limits, tokens, clock } = this.#options;
    const found = limits.findAll(delivery, provider);
    const all = found instanceof Promise ? await found : found;
    if (all.length === 0 && !delivery.taken) return undefined;
    const good = new Set(listGoodTokens(delivery).map(({ id }) => id));
    const missing = all.filter(({ id }) => !good.has(id));
    const wait = missing.length === 0 ? 0 : await tokens.take(missing, delivery.priority <= MAX_TOKEN_PRIORITY);
    if (wait > 0) return returnUntil(clock() + wait, 'rate_limited');
    // It may go by another account than its claim took it for.
    tokens.giveBack(delivery, new Set(all.map(({ id }) => id)));
    return undefined;
  }

  /** Marks a send that must not happen twice, or whose account must be known. Undefined: it may be sent. */
  async #markStarted(
    delivery: ClaimedDelivery,
    { provider, mustRecord = false }: ChosenAccount,
  ): Promise<Unstarted | undefined> {
    if (delivery.inDoubt !== 'hold' && !mustRecord) return undefined;
    return (await markSendStarted(this.#options.pool, delivery, provider)) ? undefined : LOST;
  }

  #toOutgoing(
    delivery: ClaimedDelivery,
    provider: Provider,
    { target, message, sender, tracking }: ReadyMessage,
  ): Outgoing {
    const { links, clock } = this.#options;
    const { tenantId, notificationId, notificationType, channel, userId, attempt, expiresAt, sequence } = delivery;
    const now = clock();
    const unsubscribeUrl = links?.unsubscribeUrl(delivery, now);
    const receiptUrl = links?.receiptUrl(provider, tenantId);
    const personal = links ? links.personalize(delivery, message, now) : message;
    return {
      tenantId,
      notificationId,
      notificationType,
      channel,
      userId,
      target,
      message: tracking && links ? links.track(delivery, personal, tracking, now) : personal,
      ...(sender === undefined ? {} : { sender }),
      idempotencyKey: formatDeliveryId(delivery),
      attempt,
      ...(sequence === null || userId === '' ? {} : { sequence }),
      isUrgent: delivery.priority <= MAX_URGENT_PRIORITY,
      ...(expiresAt === null ? {} : { expiresAt }),
      ...(receiptUrl === undefined ? {} : { receiptUrl }),
      ...(unsubscribeUrl === undefined ? {} : { unsubscribeUrl }),
      ...(isTracing() ? toTraced(delivery) : {}),
    };
  }

  /** Returns what a message cost, as the provider said or by the prices of the catalog; undefined: neither says. */
  async #findCost(
    delivery: ClaimedDelivery,
    provider: Provider,
    target: Target,
    { cost, parts = 1 }: Extract<SendOutcome, { kind: 'sent' }>,
  ): Promise<Cost | undefined> {
    if (cost || provider.isSubstitute) return cost;
    const { routes, clock } = this.#options;
    try {
      const found = routes.find(delivery);
      const { prices } = found instanceof Promise ? await found : found;
      const { channel } = delivery;
      const number = target.kind === 'phone' ? { number: target.number } : {};
      return prices?.find({ provider: provider.name, channel, ...number, parts, at: clock() });
    } catch (error) {
      // It was sent: that must be recorded, whatever it cost.
      this.#logError(delivery, error);
      return undefined;
    }
  }

  #logError(delivery: ClaimedDelivery, error: unknown): void {
    const line = { err: error, delivery_id: formatDeliveryId(delivery) };
    this.#options.log.error(line, 'an attempt failed with an internal error');
  }
}

/** Returns the traceparent of an attempt whose event has one. */
function toTraced(delivery: ClaimedDelivery): Pick<Outgoing, 'traceparent'> {
  const trace = parseTraceparent(readTrace(delivery.data));
  return trace ? { traceparent: formatTraceparent({ ...trace, spanId: toAttemptSpan(delivery) }) } : {};
}
