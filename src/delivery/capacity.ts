import type { Provider } from '../channels/provider.ts';
import { CircuitBreaker } from '../lib/circuit-breaker.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { Channel } from '../model/delivery.ts';
import type { Millis } from '../model/event.ts';
import type { ChannelCapacity, ClaimedDelivery } from '../store/deliveries.ts';

/**
 * Tracks the deliveries that a worker holds, from claim to settlement, and decides how many more it may claim. Bounds are
 * per channel, so that a slow provider does not block the others.
 */
export class Capacity {
  readonly #providers: ReadonlyMap<Channel, Provider>;
  readonly #elapsed: () => Millis;
  readonly #held = new Set<ClaimedDelivery>();
  readonly #occupied = new Map<Channel, number>();
  readonly #slots = new Map<Provider, Semaphore<ClaimedDelivery>>();
  readonly #breakers = new Map<Provider, CircuitBreaker>();

  /** @param elapsed a monotonic clock in ms, for the pauses of the circuit breakers */
  constructor(providers: ReadonlyMap<Channel, Provider>, elapsed: () => Millis) {
    this.#providers = providers;
    this.#elapsed = elapsed;
    for (const provider of new Set(providers.values())) {
      this.#slots.set(provider, new Semaphore(provider.concurrency));
      this.#breakers.set(provider, new CircuitBreaker());
    }
  }

  /** Number of deliveries held now. */
  get heldCount(): number {
    return this.#held.size;
  }

  isHeld(delivery: ClaimedDelivery): boolean {
    return this.#held.has(delivery);
  }

  /** Returns the leases of the deliveries held now, each once. */
  heldLeases(): string[] {
    return [...new Set([...this.#held].map((delivery) => delivery.lease))];
  }

  /**
   * Returns the channels to claim for and how many deliveries of each: those that hold at most three quarters of their
   * bound and whose circuit is not open. A quarter of the bound per claim: two quarters are fetched while one is being sent
   * and one is being recorded. A half-open circuit gets a single delivery as its probe.
   */
  availableCapacity(): ChannelCapacity[] {
    const now = this.#elapsed();
    const available: ChannelCapacity[] = [];
    for (const [channel, provider] of this.#providers) {
      const bound = maxHeldPerChannel(provider);
      const reserved = this.#occupied.get(channel) ?? 0;
      const state = this.getBreaker(provider).state(now);
      if (state === 'closed' && reserved <= bound * 0.75) available.push({ channel, count: Math.ceil(bound / 4) });
      if (state === 'half_open' && reserved === 0 && this.#slots.get(provider)?.idle)
        available.push({ channel, count: 1 });
    }
    return available;
  }

  /** Counts deliveries as held while their claim is under way, so that a concurrent claim does not exceed the bound. */
  reserve(asked: readonly ChannelCapacity[]): void {
    for (const { channel, count } of asked) this.#addOccupied(channel, count);
  }

  /** Ends a reservation: its claim was made, or failed. */
  cancelReservation(asked: readonly ChannelCapacity[]): void {
    for (const { channel, count } of asked) this.#addOccupied(channel, -count);
  }

  /** Adds a claimed delivery. */
  hold(delivery: ClaimedDelivery): void {
    this.#held.add(delivery);
    this.#addOccupied(delivery.channel, 1);
  }

  /** Removes a delivery that was settled, returned to the queue or lost to another worker. */
  release(delivery: ClaimedDelivery): void {
    this.#held.delete(delivery);
    this.#addOccupied(delivery.channel, -1);
  }

  /** Runs a send as soon as its provider has a free slot. @param send must not reject */
  runInSlot(delivery: ClaimedDelivery, provider: Provider, send: () => Promise<void>): void {
    this.#slots.get(provider)?.run(delivery, send);
  }

  /** Removes the sends that have not started from their slots, and returns their deliveries. They are still held. */
  cancelUnstarted(): ClaimedDelivery[] {
    return [...this.#slots.values()].flatMap((slots) => slots.clear());
  }

  getBreaker(provider: Provider): CircuitBreaker {
    return this.#breakers.get(provider) as CircuitBreaker;
  }

  /** Returns the names of the providers whose circuit is not closed. */
  unhealthyProviders(): string[] {
    const now = this.#elapsed();
    return [...this.#breakers]
      .filter(([, breaker]) => breaker.state(now) !== 'closed')
      .map(([provider]) => provider.name);
  }

  #addOccupied(channel: Channel, count: number): void {
    this.#occupied.set(channel, (this.#occupied.get(channel) ?? 0) + count);
  }
}

/**
 * Returns how many deliveries of a channel a worker may hold: enough to keep the provider busy while the next are fetched,
 * few enough to lose little in a crash.
 */
function maxHeldPerChannel(provider: Provider): number {
  return Math.min(2000, Math.max(40, provider.concurrency * 4));
}
