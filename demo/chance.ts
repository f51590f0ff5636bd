import { createHash } from 'node:crypto';

/** Chances that depend on a text alone, so that the same number of a seed gives the same demo. */
export class Chance {
  readonly #seed: string;

  constructor(seed: string | number) {
    this.#seed = String(seed);
  }

  /** Returns a number from 0 to 1 (exclusive) that the text has. */
  of(text: string): number {
    return createHash('md5').update(`${this.#seed}\n${text}`).digest().readUInt32LE(0) / 2 ** 32;
  }

  /** Returns the numbers that follow one another from a text on. */
  stream(text: string): Draw {
    return new Draw(createHash('md5').update(`${this.#seed}\n${text}`).digest().readUInt32LE(0));
  }
}

/** A stream of chances (mulberry32). */
export class Draw {
  #state: number;

  constructor(state: number) {
    this.#state = state;
  }

  /** Returns a number from 0 to 1 (exclusive). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  is(probability: number): boolean {
    return this.next() < probability;
  }

  /** Returns a whole number from `least` to `most`, both inclusive. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  among<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)] as T;
  }

  /** Returns an amount of money. */
  amount(least: number, most: number): number {
    return Math.round((least + this.next() * (most - least)) * 100) / 100;
  }

  /** Returns the place of one of these weights. */
  weighted(weights: readonly number[]): number {
    let left = this.next() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [place, weight] of weights.entries()) {
      left -= weight;
      if (left < 0) return place;
    }
    return weights.length - 1;
  }
}
