import type { Provider } from '../channels/provider.ts';
import { Semaphore } from '../lib/concurrency/semaphore.ts';
import type { Channel } from '../model/delivery.ts';
import type { ChannelCapacity } from '../store/deliveries/claim.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import type { Circuits } from './circuits.ts';
import { MAX_URGENT_PRIORITY } from './lanes.ts';

/** Part of the slots that only urgent deliveries take, and of the room that they have beside the others. */
const URGENT_SHARE = 1 / 8;

/** Accounts whose slots are kept although nothing is sent by them. */
const MAX_IDLE_SLOTS = 1000;

/**
 * Tracks the deliveries that a worker holds, from claim to settlement, and decides how many more it may claim. Bounds are
 * per channel, so that a slow provider does not block the others.
 */
export class Capacity {
  readonly #providers: ReadonlyMap<Channel, Provider>;
  readonly #circuits: Circuits;
  readonly #held = new Set<ClaimedDelivery>();
  readonly #occupied = new Map<Channel, number>();
  readonly #slots = new Map<Provider, Semaphore<ClaimedDelivery>>();

  constructor(providers: ReadonlyMap<Channel, Provider>, circuits: Circuits) {
    this.#providers = providers;
    this.#circuits = circuits;
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
   * bound and whose circuit is not open (where lanes differ in account, that of each lane is looked at later). A quarter of the
   * bound per claim: two quarters are fetched while one is being sent and one is being recorded. A half-open circuit gets a single delivery as its probe, if possible one that has not failed
   * yet. A channel that is full has room for urgent deliveries.
   * @param isByLane whether the lanes of a channel differ in account
   */
  availableCapacity(isByLane: (channel: Channel) => boolean): ChannelCapacity[] {
    const available: ChannelCapacity[] = [];
    for (const [channel, provider] of this.#providers) {
      const bound = maxHeldPerChannel(provider);
      const reserved = this.#occupied.get(channel) ?? 0;
      const state = isByLane(channel) ? 'closed' : this.#circuits.state(provider);
      if (state === 'closed' && reserved <= bound * 0.75) available.push({ channel, count: Math.ceil(bound / 4) });
      else if (state === 'closed') {
        // Urgent deliveries have room of their own.
        const extra = Math.ceil(bound * URGENT_SHARE);
        const count = Math.min(extra, bound + extra - reserved);
        if (count > 0) available.push({ channel, count, isUrgent: true });
      }
      if (state === 'half_open' && reserved === 0 && this.#slotsOf(provider).idle && this.#circuits.mayProbe(provider))
        available.push({ channel, count: 1, isProbe: true });
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
    this.#slotsOf(provider).run(delivery, send, delivery.priority);
  }

  /**
   * Whether so many deliveries wait for a slot of this provider already that another one has to come back later: the account of
   * one tenant does not take the room of the others. Urgent ones have room beside the others.
   */
  isCrowded(provider: Provider, priority: number): boolean {
    const bound = maxHeldPerChannel(provider);
    const extra = priority <= MAX_URGENT_PRIORITY ? Math.ceil(bound * URGENT_SHARE) : 0;
    return (this.#slots.get(provider)?.count ?? 0) >= bound + extra;
  }

  #slotsOf(provider: Provider): Semaphore<ClaimedDelivery> {
    const known = this.#slots.get(provider);
    if (known) return known;
    this.#forgetIdle();
    const { concurrency } = provider;
    const reserved = concurrency < 2 ? 0 : Math.max(1, Math.floor(concurrency * URGENT_SHARE));
    const slots = new Semaphore<ClaimedDelivery>(concurrency, reserved, MAX_URGENT_PRIORITY);
    this.#slots.set(provider, slots);
    return slots;
  }

  /** Forgets the slots that no delivery has or waits for, once there are many: accounts come and go. */
  #forgetIdle(): void {
    if (this.#slots.size < MAX_IDLE_SLOTS) return;
    for (const [provider, slots] of this.#slots) if (slots.idle) this.#slots.delete(provider);
  }

  /**
   * Removes the sends that have not started from their slots, and returns their deliveries. They are still held.
   * @param isChosen only those; default all
   */
  cancelUnstarted(isChosen?: (delivery: ClaimedDelivery) => boolean): ClaimedDelivery[] {
    return [...this.#slots.values()].flatMap((slots) => slots.clear(isChosen));
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
