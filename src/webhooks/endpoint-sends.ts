import type { Millis } from '../model/event.ts';

/** Sends of this process to one endpoint at once, at most. */
const MAX_SENDS = 8;
/** Time in ms after which a send is slow: others to its endpoint do not wait for a place, and leave the slots to other endpoints. */
const SLOW_MS: Millis = 500;

/** The sends under way to an endpoint, and those that wait for a place. */
interface Sends {
  /** When each began, by the monotonic clock, the first first. */
  readonly startedAt: Millis[];
  readonly waiting: (() => void)[];
}

/** Bounds the sends to each endpoint, so that one that is slow takes few of the slots of all. */
export class EndpointSends {
  readonly #byEndpoint = new Map<string, Sends>();

  /** Takes a place, for which it waits for SLOW_MS at most. Returns false if there is no place: the endpoint is slow. */
  async begin(endpoint: string): Promise<boolean> {
    const deadline = performance.now() + SLOW_MS;
    for (;;) {
      const known = this.#byEndpoint.get(endpoint);
      const now = performance.now();
      if (!known || known.startedAt.length < MAX_SENDS) {
        const sends = known ?? { startedAt: [], waiting: [] };
        sends.startedAt.push(now);
        this.#byEndpoint.set(endpoint, sends);
        return true;
      }
      const slowAt = Math.min(deadline, (known.startedAt[0] ?? now) + SLOW_MS);
      if (now >= slowAt) return false;
      await this.#waitForPlace(known, slowAt - now);
    }
  }

  end(endpoint: string): void {
    const sends = this.#byEndpoint.get(endpoint);
    if (!sends) return;
    sends.startedAt.shift();
    const next = sends.waiting.shift();
    if (sends.startedAt.length === 0 && !next) this.#byEndpoint.delete(endpoint);
    next?.();
  }

  #waitForPlace({ waiting }: Sends, longest: Millis): Promise<void> {
    return new Promise((resolve) => {
      const go = () => {
        clearTimeout(timer);
        const index = waiting.indexOf(go);
        if (index !== -1) waiting.splice(index, 1);
        resolve();
      };
      // After a pause of this process, responses that came meanwhile are read first: it was not the endpoint that was slow.
      const timer = setTimeout(() => setImmediate(go), Math.ceil(longest));
      waiting.push(go);
    });
  }
}
