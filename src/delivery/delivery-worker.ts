import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { Provider } from '../channels/provider.ts';
import { bisect } from '../lib/bisect.ts';
import { CircuitBreaker } from '../lib/circuit-breaker.ts';
import { Semaphore } from '../lib/semaphore.ts';
import { Signal } from '../lib/signal.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import {
  type ChannelCapacity,
  type ClaimedDelivery,
  claimDeliveries,
  DELIVERIES_CHANNEL,
  loadNextDueDelivery,
  markSendStarted,
  releaseDeliveries,
  renewLeases,
  rescueExpired,
  type Settlement,
  settleDeliveries,
} from '../store/deliveries.ts';
import { isItemError } from '../store/pg/database.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import { Deadlines } from './deadlines.ts';
import type { Dispatcher, DispatchResult } from './dispatch.ts';
import { toSettlement, withoutExtras } from './settle.ts';

export interface DeliveryWorkerParts {
  /** Names the worker and its leases; no two processes, not even one after the other, share it. */
  readonly name: string;
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly dispatcher: Dispatcher;
  readonly clock: () => Millis;
  readonly random: () => number;
  readonly log: Logger;
  /** How long a claim holds without a heartbeat. */
  readonly lease?: Millis;
  /** The slow look behind the wake-up. */
  readonly poll?: Millis;
  /** A provider that has not answered by then is given up on. */
  readonly sendDeadline?: Millis;
  /** A clock that nobody sets, for pauses of this process. */
  readonly elapsed?: () => Millis;
}

/**
 * Claims held at once, per channel: enough to keep its provider busy while the next ones are fetched, few enough to lose
 * little in a crash. Per channel, so that a slow provider does not keep the others waiting.
 */
function capacityOf(provider: Provider): number {
  return Math.min(2000, Math.max(40, provider.concurrency * 4));
}

/** Makes one claim at a time, under a lease of its own: claims under one lease would wait for each other. */
interface ClaimLoop {
  lease: string;
  readonly alarm: Signal;
}

/** How one attempt ended; to be recorded. */
interface CompletedAttempt {
  readonly settlement: Settlement;
  readonly delivery: ClaimedDelivery;
}

/**
 * claim ─▶ dispatch (as many at once as each provider takes) ─▶ settle, in batches; meanwhile a heartbeat keeps the
 * leases and a sweep picks up what other workers left behind.
 */
export class DeliveryWorker {
  readonly #parts: Required<DeliveryWorkerParts>;
  readonly #held = new Set<ClaimedDelivery>();
  readonly #heldOn = new Map<Channel, number>();
  readonly #slots = new Map<Provider, Semaphore<ClaimedDelivery>>();
  readonly #breakers = new Map<Provider, CircuitBreaker>();
  readonly #settled: CompletedAttempt[] = [];
  readonly #wakeUp: NotifyListener;
  readonly #deadlines: Deadlines;
  #aborted = false;
  /** While the claim of one is under way, what the other one got is sent. */
  readonly #claimer: ClaimLoop;
  /** Asks only for channels that gave all they were asked for the last time. */
  readonly #helper: ClaimLoop;
  #leases = 2;
  /** Channels with more to claim than was asked for. */
  readonly #more = new Set<Channel>();
  #stopping = false;
  #settling = false;
  /** Some channel was not asked for want of room, or of a closed circuit: what is settled may change that. */
  #short = false;
  #loops: readonly Promise<void>[] = [];
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: DeliveryWorkerParts) {
    const elapsed = () => performance.now();
    this.#parts = { lease: 30_000, poll: 1000, sendDeadline: 60_000, elapsed, ...parts };
    this.#deadlines = new Deadlines(this.#parts.sendDeadline);
    this.#claimer = { lease: parts.name, alarm: new Signal() };
    this.#helper = { lease: `${parts.name} (2)`, alarm: new Signal() };
    for (const provider of new Set(parts.dispatcher.providers.values())) {
      this.#slots.set(provider, new Semaphore(provider.concurrency));
      this.#breakers.set(provider, new CircuitBreaker());
    }
    this.#wakeUp = new NotifyListener(parts.databaseUrl, DELIVERIES_CHANNEL, () => this.#rouse());
  }

  async start(): Promise<void> {
    const { lease } = this.#parts;
    this.#timers = [
      setInterval(() => void this.#runMaintenance(() => this.#heartbeat()), lease / 3),
      setInterval(() => void this.#runMaintenance(() => this.#recover()), lease / 6),
    ];
    await this.#runMaintenance(() => this.#recover());
    await this.#wakeUp.start();
    this.#loops = [this.#run(this.#claimer), this.#run(this.#helper)];
  }

  /** Claims nothing more, lets what is being sent end, gives back what was not begun. */
  async stop(grace: Millis = 5000): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#rouse();
    await this.#wakeUp.stop();
    await Promise.all(this.#loops);
    const unbegun = [...this.#slots.values()].flatMap((slots) => slots.clear());
    if (unbegun.length > 0) {
      await this.#runMaintenance(() => releaseDeliveries(this.#parts.pool, unbegun));
      for (const delivery of unbegun) this.#letGo(delivery);
    }
    const deadline = setTimeout(() => {
      this.#aborted = true;
      this.#deadlines.stop();
    }, grace);
    while (this.#held.size > 0 && !this.#aborted) await pause(50);
    // An aborted send has a moment to say how it ended; what does not make it is found by its lease.
    for (let i = 0; this.#held.size > 0 && i < 20; i++) await pause(50);
    clearTimeout(deadline);
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** Deliveries held right now; for health. */
  get busy(): number {
    return this.#held.size;
  }

  /** Providers whose circuit is not closed; for health. */
  unhealthyProviders(): string[] {
    const now = this.#parts.elapsed();
    return [...this.#breakers]
      .filter(([, breaker]) => breaker.state(now) !== 'closed')
      .map(([provider]) => provider.name);
  }

  async #run(claimer: ClaimLoop): Promise<void> {
    const { poll, log } = this.#parts;
    const { alarm } = claimer;
    const helps = claimer === this.#helper;
    while (!this.#stopping) {
      try {
        const rooms = this.#rooms();
        this.#short = rooms.length < this.#parts.dispatcher.providers.size;
        const asked = helps ? rooms.filter(({ channel }) => this.#more.has(channel)) : rooms;
        const full = asked.length > 0 && (await this.#claim(claimer, asked));
        // Where a channel gave all it was asked for there is more.
        if (!full) await alarm.sleep(asked.length > 0 && !helps ? await this.#untilNextDue() : poll);
      } catch (error) {
        log.warn({ err: error }, 'the delivery queue could not be read; trying again');
        await alarm.sleep(poll);
      }
    }
  }

  /** Channels worth asking for: at most three quarters busy, and their circuit not open. A quarter at a time: two are
   *  fetched while another is sent and the last one recorded. */
  #rooms(): ChannelCapacity[] {
    const now = this.#parts.elapsed();
    const rooms: ChannelCapacity[] = [];
    for (const [channel, provider] of this.#parts.dispatcher.providers) {
      const capacity = capacityOf(provider);
      const held = this.#heldOn.get(channel) ?? 0;
      const state = (this.#breakers.get(provider) as CircuitBreaker).state(now);
      if (state === 'closed' && held <= capacity * 0.75) rooms.push({ channel, room: Math.ceil(capacity / 4) });
      if (state === 'half_open' && held === 0 && this.#slots.get(provider)?.idle) rooms.push({ channel, room: 1 });
    }
    return rooms;
  }

  /** True when there is likely more to claim at once. */
  async #claim(claimer: ClaimLoop, rooms: readonly ChannelCapacity[]): Promise<boolean> {
    const { pool, clock, lease, dispatcher } = this.#parts;
    for (const { channel, room } of rooms) this.#hold(channel, room);
    let deliveries: ClaimedDelivery[];
    try {
      deliveries = await claimDeliveries(pool, claimer.lease, rooms, clock(), lease);
    } catch (error) {
      // It may have been made, and its answer lost: what nobody knows to hold must not be kept by our heartbeat.
      this.#giveUpLease(claimer);
      throw error;
    } finally {
      for (const { channel, room } of rooms) this.#hold(channel, -room);
    }
    for (const delivery of deliveries) {
      this.#held.add(delivery);
      this.#hold(delivery.channel, 1);
      const provider = dispatcher.providers.get(delivery.channel) as Provider;
      this.#slots.get(provider)?.run(delivery, () => this.#deliver(delivery, provider));
    }
    for (const { channel, room } of rooms) {
      const count = deliveries.filter((one) => one.channel === channel).length;
      if (room > 1 && count === room) this.#more.add(channel);
      else this.#more.delete(channel);
    }
    const full = rooms.some(({ channel }) => this.#more.has(channel));
    if (full) this.#helper.alarm.set();
    return full;
  }

  /** Claims under another one from now on; this one runs out when nothing is held under it any more. */
  #giveUpLease(claimer: ClaimLoop): void {
    claimer.lease = `${this.#parts.name} (${++this.#leases})`;
  }

  #letGo(delivery: ClaimedDelivery): void {
    this.#held.delete(delivery);
    this.#hold(delivery.channel, -1);
  }

  /** Room of a channel that is taken, or given back. */
  #hold(channel: Channel, room: number): void {
    this.#heldOn.set(channel, (this.#heldOn.get(channel) ?? 0) + room);
  }

  async #deliver(delivery: ClaimedDelivery, provider: Provider): Promise<void> {
    const { pool, dispatcher, clock, elapsed, random } = this.#parts;
    const startedAt = clock();
    const breaker = this.#breakers.get(provider) as CircuitBreaker;
    let dispatched: DispatchResult;
    try {
      if (delivery.inDoubt === 'hold' && !(await markSendStarted(pool, delivery))) {
        this.#letGo(delivery);
        return;
      }
      dispatched = await dispatcher.dispatch(delivery, this.#deadlines.next());
      if (dispatched.error) this.#logError(delivery, dispatched.error);
    } catch (error) {
      // Before it was handed to the provider.
      this.#logError(delivery, error);
      dispatched = { provider, outcome: { kind: 'retry', reason: 'an error in Tidings itself; see its log' } };
      breaker.failed(elapsed());
    }
    // An address that is missing or cannot be opened, or a failed template (no message), says nothing about the provider.
    if (dispatched.message) {
      if (dispatched.outcome.kind === 'retry' || dispatched.error) breaker.failed(elapsed());
      else if (dispatched.outcome.kind !== 'in_doubt') breaker.succeeded();
    }
    const now = clock();
    const settlement = toSettlement(delivery, dispatched, startedAt, now, random());
    this.#logAttempt(delivery, settlement);
    this.#settled.push({ settlement, delivery });
    if (!this.#settling) void this.#settle();
  }

  /** One statement at a time; what ends meanwhile makes the next one. */
  async #settle(): Promise<void> {
    this.#settling = true;
    // Sends that end in this turn of the event loop share the statement.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#settled.length > 0) {
      const batch = this.#settled.splice(0, 500);
      try {
        await bisect(
          batch,
          (some) => this.#record(some),
          isItemError,
          (one, error) => this.#recordMinimal(one, error),
        );
      } catch (error) {
        // They are done and must be recorded: keep them (and their leases) until the database is back.
        this.#settled.unshift(...batch.filter(({ delivery }) => this.#held.has(delivery)));
        this.#parts.log.warn(
          { err: error, waiting: this.#settled.length },
          'attempts could not be recorded; trying again',
        );
        await new Promise((resolve) => setTimeout(resolve, 500));
        if (this.#aborted) break;
      }
    }
    this.#settling = false;
  }

  /** What was recorded is not held any more. */
  async #record(batch: readonly CompletedAttempt[]): Promise<never[]> {
    const { pool, name, clock, dispatcher } = this.#parts;
    const settlements = batch.map(({ settlement }) => settlement);
    await settleDeliveries(pool, name, settlements, clock(), await dispatcher.toLifecycleEvents(batch));
    for (const { delivery } of batch) this.#letGo(delivery);
    if (this.#short || batch.some(({ settlement }) => settlement.status === 'queued')) this.#rouse();
    return [];
  }

  /** What became of it matters more than what the provider said of it. */
  async #recordMinimal({ settlement, delivery }: CompletedAttempt, why: unknown): Promise<never[]> {
    const { pool, name, clock, dispatcher, log } = this.#parts;
    const line = { delivery_id: nameOf(delivery) };
    const bare = { settlement: withoutExtras(settlement), delivery };
    let error = why;
    for (const tells of [true, false]) {
      try {
        const told = tells ? await dispatcher.toLifecycleEvents([bare]) : [];
        await settleDeliveries(pool, name, [bare.settlement], clock(), told);
        log.error(
          { ...line, err: error },
          'an attempt could not be recorded as it was; its answer and message are lost',
        );
        this.#letGo(delivery);
        return [];
      } catch (again) {
        if (!isItemError(again)) throw again;
        error = again;
      }
    }
    log.error({ ...line, err: error }, 'an attempt could not be recorded; its delivery is left to its lease');
    for (const claimer of [this.#claimer, this.#helper]) {
      if (claimer.lease === delivery.lease) this.#giveUpLease(claimer);
    }
    this.#letGo(delivery);
    return [];
  }

  async #heartbeat(): Promise<void> {
    const { pool, lease } = this.#parts;
    const leases = new Set([...this.#held].map((delivery) => delivery.lease));
    if (leases.size > 0) await renewLeases(pool, [...leases], lease);
  }

  async #recover(): Promise<void> {
    const { pool, clock, log } = this.#parts;
    const recovered = await rescueExpired(pool, clock());
    if (recovered === 0) return;
    log.warn({ recovered }, 'deliveries of a silent worker were taken over');
    this.#rouse();
  }

  /** At most the poll interval: a wake-up may be missed. */
  async #untilNextDue(): Promise<Millis> {
    const { pool, clock, poll } = this.#parts;
    const due = await loadNextDueDelivery(pool, [...this.#parts.dispatcher.providers.keys()]);
    // What is due already waits for room or for its circuit, and both rouse or come by.
    return due === null || due <= clock() ? poll : Math.min(poll, due - clock());
  }

  #rouse(): void {
    this.#claimer.alarm.set();
    this.#helper.alarm.set();
  }

  async #runMaintenance(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#parts.log.warn({ err: error }, 'housekeeping failed; it is tried again');
    }
  }

  #logError(delivery: ClaimedDelivery, error: unknown): void {
    this.#parts.log.error({ err: error, delivery_id: nameOf(delivery) }, 'a send failed in our own code');
  }

  /** One wide line per attempt; what went well only where somebody listens closely. */
  #logAttempt(delivery: ClaimedDelivery, { attempt, status, reasonCode }: Settlement): void {
    const { log } = this.#parts;
    const level = attempt.outcome === 'delivered' ? 'debug' : 'info';
    if (!log.isLevelEnabled(level)) return;
    const line = {
      tenant_id: delivery.tenantId,
      delivery_id: nameOf(delivery),
      notification_type: delivery.notificationType,
      provider: attempt.provider,
      attempt: attempt.n,
      outcome: attempt.outcome,
      duration_ms: attempt.durationMs,
      status,
      reason_code: reasonCode,
      response: attempt.response,
    };
    log[level](line, 'attempt');
  }
}

/** As the API names it. */
function nameOf({ notificationId, channel }: ClaimedDelivery): string {
  return `${notificationId}.${channel}`;
}
