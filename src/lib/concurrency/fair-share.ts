/**
 * Bounds an amount that several owners hold, so that none of them takes all of it: an owner may hold as much as it leaves
 * free. One owner alone has half of the maximum, two have a third each, and an owner that comes always finds room.
 */
export class FairShare {
  readonly #max: number;
  readonly #held = new Map<string, number>();
  #total = 0;

  /** @param max of all owners together */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Returns whether an owner may hold this much more. The first amount of an owner may be all that is free, and if nothing is
   * held, an amount of any size fits.
   */
  fits(owner: string, amount: number): boolean {
    if (this.#total === 0) return true;
    const free = this.#max - this.#total - amount;
    const own = this.#held.get(owner) ?? 0;
    return free >= 0 && (own === 0 || own + amount <= free);
  }

  hold(owner: string, amount: number): void {
    this.#total += amount;
    this.#held.set(owner, (this.#held.get(owner) ?? 0) + amount);
  }

  release(owner: string, amount: number): void {
    this.#total -= amount;
    const left = (this.#held.get(owner) ?? 0) - amount;
    if (left > 0) this.#held.set(owner, left);
    else this.#held.delete(owner);
  }
}
