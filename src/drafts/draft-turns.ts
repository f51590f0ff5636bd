import { TidingsError } from '../errors.ts';
import { FairShare } from '../lib/concurrency/fair-share.ts';
import { Turns } from '../lib/concurrency/turns.ts';

/** Drafts that wait or are worked on, at most; each has up to 5 MiB. Tenants take turns. */
const MAX_WAITING = 16;

/** Bounds the work on drafts, so that requests of others are answered meanwhile. */
export class DraftTurns {
  readonly #turns: Turns;
  readonly #waiting = new FairShare(MAX_WAITING);

  /** @param size drafts that are worked on at once: each takes CPU time */
  constructor(size: number) {
    this.#turns = new Turns(size);
  }

  /** @throws TidingsError `overloaded` */
  run<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    if (!this.#waiting.fits(tenantId, 1)) {
      throw new TidingsError('overloaded', 'More drafts are waiting than can be worked on soon.', { retryAfter: 5 });
    }
    this.#waiting.hold(tenantId, 1);
    return new Promise<T>((resolve, reject) => {
      this.#turns.run(tenantId, () => work().then(resolve, reject));
    }).finally(() => this.#waiting.release(tenantId, 1));
  }
}
