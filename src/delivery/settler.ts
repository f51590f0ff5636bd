import type pg from 'pg';
import type { Logger } from 'pino';
import type { CatalogCache } from '../catalog/cache.ts';
import { writeNotice } from '../channels/internal/notices.ts';
import { bisect } from '../lib/bisect.ts';
import { formatDeliveryId } from '../model/delivery-id.ts';
import type { Millis } from '../model/event.ts';
import { attempted, type MadeAttempt } from '../observe/happenings.ts';
import { parseTraceparent, readTrace } from '../observe/trace-context.ts';
import type { Seal } from '../privacy/seal.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { type Settlement, type SettlementEffects, settleDeliveries } from '../store/deliveries/settlements.ts';
import { isItemError } from '../store/pg/errors.ts';
import type { EndpointNotice } from '../store/webhooks/endpoint-results.ts';
import { isoTime } from '../time/iso-time.ts';
import type { Capacity } from './capacity.ts';
import { toSuppressions } from './dead-addresses.ts';
import { DeadDeviceJudge } from './dead-devices.ts';
import type { DispatchResult } from './dispatch-result.ts';
import { EmailEnds } from './email-ends.ts';
import { toEndpointResults } from './endpoint-results.ts';
import { type CompletedAttempt, toLifecycleEvents } from './lifecycle.ts';
import { minimalSettlement, toSettlement } from './settlement.ts';
import { type StepsOptions, toStepResults } from './steps.ts';
import { toProviderMessages } from './tracked-sends.ts';

export interface SettlerOptions {
  /** Name of the worker, recorded with each attempt. */
  readonly name: string;
  readonly pool: pg.Pool;
  readonly catalogs: CatalogCache;
  readonly sendsOut: StepsOptions['sendsOut'];
  /** Seals the messages that are kept. */
  readonly seal: Seal;
  readonly capacity: Capacity;
  readonly clock: () => Millis;
  /** Random numbers from 0 (inclusive) to 1 (exclusive), for the backoff. */
  readonly random: () => number;
  readonly log: Logger;
  /** Whether providers can report to this installation: it has a public URL. */
  readonly getsReceipts: boolean;
  /** Called after settlements were recorded and their deliveries released. */
  readonly onSettled: (settlements: readonly Settlement[]) => void;
  /** Called when an attempt cannot be recorded: its delivery must be rescued after its lease has expired. */
  readonly onUnrecordable: (delivery: ClaimedDelivery) => void;
}

const MAX_BATCH_SETTLEMENTS = 500;
/** Bound of the messages in a batch, in bytes. A larger message is recorded alone. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const RETRY_PAUSE_MS = 500;
/** A longer correlation id is left out of the log. */
const MAX_CORRELATION_CHARS = 256;

/**
 * Records completed attempts and what becomes of their deliveries, one statement at a time; attempts that complete while a
 * statement runs make the next batch. Deliveries stay held until they are recorded.
 */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #completed: CompletedAttempt[] = [];
  readonly #deadDevices: DeadDeviceJudge;
  readonly #emails: EmailEnds;
  #isRunning = false;
  #stopped = false;

  constructor(options: SettlerOptions) {
    this.#options = options;
    this.#deadDevices = new DeadDeviceJudge(options.log, options.clock);
    this.#emails = new EmailEnds(options.pool, options.log);
  }

  /** Records an attempt that has just completed. */
  settle(delivery: ClaimedDelivery, result: DispatchResult, startedAt: Millis): void {
    const { clock, random, seal } = this.#options;
    const settlement = toSettlement(delivery, result, startedAt, clock(), random(), seal);
    this.#logAttempt(delivery, settlement);
    if (attempted.hasSubscribers) attempted.publish(toMadeAttempt(delivery, settlement));
    const completed = { settlement, delivery };
    this.#deadDevices.note(completed);
    this.#completed.push(completed);
    if (!this.#isRunning) void this.#run();
  }

  /** Ends retries of settlements while the database is unreachable. */
  stop(): void {
    this.#stopped = true;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    // Sends that end in the same turn of the event loop share a statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#completed.length > 0) {
      const batch = this.#completed.splice(0, countInBatch(this.#completed));
      try {
        await bisect(
          batch,
          (part) => this.#record(part),
          isItemError,
          (attempt, error) => this.#recordMinimal(attempt, error),
        );
      } catch (error) {
        // The attempts were made and must be recorded: keep them, and their leases, until the database is back.
        this.#completed.unshift(...batch.filter(({ delivery }) => this.#options.capacity.isHeld(delivery)));
        const line = { err: error, waiting: this.#completed.length };
        this.#options.log.warn(line, 'attempts could not be recorded; trying again');
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
        if (this.#stopped) break;
      }
    }
    this.#isRunning = false;
  }

  /** Records a batch in one statement and releases its deliveries. */
  async #record(batch: readonly CompletedAttempt[]): Promise<never[]> {
    const { pool, name, clock, catalogs, capacity, onSettled } = this.#options;
    const settlements = batch.map(({ settlement }) => settlement);
    const effects = await this.#toEffects(batch);
    const events = await toLifecycleEvents(catalogs, batch, effects.messages);
    const emails = this.#emails.take(batch, effects.messages ?? []);
    try {
      const notices = await settleDeliveries(pool, name, settlements, clock(), events, { ...effects, emails });
      for (const notice of notices) this.#logNotice(notice);
    } catch (error) {
      this.#emails.putBack(emails);
      throw error;
    }
    if (emails.length > 0) await this.#emails.judge(emails, clock());
    for (const { delivery } of batch) capacity.release(delivery);
    onSettled(settlements);
    return [];
  }

  /**
   * Records an attempt that the database rejected: without the provider's response and the message, then without its
   * lifecycle event. The new state of the delivery matters more than they do.
   */
  async #recordMinimal({ settlement, delivery }: CompletedAttempt, firstError: unknown): Promise<never[]> {
    const { pool, name, clock, catalogs, capacity, log, onUnrecordable } = this.#options;
    const line = { delivery_id: formatDeliveryId(delivery) };
    const minimal = { settlement: minimalSettlement(settlement), delivery };
    let error = firstError;
    for (const withEvent of [true, false]) {
      try {
        const effects = await this.#toEffects([minimal]);
        const events = withEvent ? await toLifecycleEvents(catalogs, [minimal], effects.messages) : [];
        await settleDeliveries(pool, name, [minimal.settlement], clock(), events, effects);
        log.error(
          { ...line, err: error },
          'an attempt could be recorded only in part; its response and message are lost',
        );
        capacity.release(delivery);
        return [];
      } catch (nextError) {
        if (!isItemError(nextError)) throw nextError;
        error = nextError;
      }
    }
    log.error({ ...line, err: error }, 'an attempt could not be recorded; its delivery waits for its lease to expire');
    onUnrecordable(delivery);
    capacity.release(delivery);
    return [];
  }

  /** Returns what else the attempts bring about. */
  async #toEffects(batch: readonly CompletedAttempt[]): Promise<SettlementEffects> {
    const { getsReceipts } = this.#options;
    const messages = getsReceipts ? await toProviderMessages(batch) : [];
    const others = batch.filter(hasEffects);
    if (others.length === 0) return { messages };
    return {
      steps: await toStepResults(this.#options, others),
      messages,
      suppressions: toSuppressions(others),
      endpoints: toEndpointResults(others.map(({ settlement }) => settlement)),
      devices: this.#deadDevices.judge(others),
    };
  }

  #logNotice({ tenantId, endpointId, notice, failures, failingSince }: EndpointNotice): void {
    const detail = { tenant_id: tenantId, endpoint_id: endpointId, failures, failing_since: isoTime(failingSince) };
    const what =
      notice === 'disabled' ? 'a webhook endpoint is disabled' : 'a webhook endpoint fails, and will be disabled';
    writeNotice(this.#options.log, `webhook.${notice}`, detail, what);
  }

  /** Logs one wide line per attempt; successful ones at debug level. */
  #logAttempt(delivery: ClaimedDelivery, { attempt, status, reasonCode }: Settlement): void {
    const { log } = this.#options;
    const level = attempt.outcome === 'sent' || attempt.outcome === 'sandboxed' ? 'debug' : 'info';
    if (!log.isLevelEnabled(level)) return;
    const line = {
      tenant_id: delivery.tenantId,
      delivery_id: formatDeliveryId(delivery),
      notification_type: delivery.notificationType,
      provider: attempt.provider,
      attempt: attempt.n,
      outcome: attempt.outcome,
      duration_ms: attempt.durationMs,
      status,
      reason_code: reasonCode,
      response: attempt.response,
      correlation_id: readCorrelation(delivery),
      trace_id: parseTraceparent(readTrace(delivery.data))?.traceId,
    };
    log[level](line, 'attempt');
  }
}

/** Returns the correlation id of the event that caused a delivery, masked as it is stored; undefined: none is at hand. */
function readCorrelation({ data }: ClaimedDelivery): string | undefined {
  const { correlation_id: id } = (data?.context ?? {}) as { readonly correlation_id?: unknown };
  return typeof id === 'string' && id.length <= MAX_CORRELATION_CHARS ? id : undefined;
}

function toMadeAttempt(delivery: ClaimedDelivery, { status, attempt, fault }: Settlement): MadeAttempt {
  const { tenantId, notificationId, notificationType, channel, target, priority, data } = delivery;
  const { n, provider, outcome, startedAt, durationMs } = attempt;
  const traceparent = readTrace(data);
  return {
    ...{ tenantId, notificationId, notificationType, channel, target, priority },
    ...{ attempt: n, provider, outcome, status, startedAt, durationMs },
    ...(fault === undefined ? {} : { fault }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** Whether an attempt may concern more than its delivery: a device, an endpoint, the next channel, or a dead address. */
function hasEffects({ delivery, settlement }: CompletedAttempt): boolean {
  return delivery.target !== '' || delivery.step !== null || settlement.deadAs !== undefined;
}

/** Returns how many of the completed attempts the next statement records. */
function countInBatch(completed: readonly CompletedAttempt[]): number {
  let bytes = 0;
  const end = completed.findIndex(({ settlement }, index) => {
    bytes += settlement.message?.sealed.length ?? 0;
    return index === MAX_BATCH_SETTLEMENTS || (index > 0 && bytes > MAX_BATCH_BYTES);
  });
  return end === -1 ? completed.length : end;
}
