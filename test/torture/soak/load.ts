import { setTimeout as pause } from 'node:timers/promises';
import { Tidings } from '../../../packages/client/src/tidings.ts';

/** Number of events of which one is of a new user, and leads to a message. */
const EVENTS_PER_MESSAGE = 3;
const KNOWN_USERS = 20_000;
const MAX_UNDER_WAY = 40;

export interface Latencies {
  /** In ms, of requests that were acknowledged since the last look. */
  readonly ingest: number[];
  /** In ms, from the post of an event to its message. */
  readonly send: number[];
}

/**
 * A client with retries that posts events at a rate, a list of them at a time, whatever happens to the other side. Event `n` is
 * posted once its request is acknowledged; those that lead to a message are divisible by EVENTS_PER_MESSAGE.
 */
export class Load {
  /** Errors that reached the caller in spite of the retries. */
  readonly errors: string[] = [];
  acknowledged = 0;
  #made: number;
  #underWay = 0;
  #rate = 0;
  #running: Promise<void> | undefined;
  #latencies: Latencies = { ingest: [], send: [] };
  readonly #postedAt = new Map<number, number>();
  readonly #client: Tidings;

  /** @param made events that earlier runs have posted */
  constructor(url: string, made: number) {
    this.#client = new Tidings({ baseUrl: url, maxRetries: 40, timeout: 60_000 });
    this.#made = made;
  }

  get made(): number {
    return this.#made;
  }

  /** Begins to post, as many events a second; Infinity: as fast as they are acknowledged. */
  start(perSecond: number): void {
    this.#rate = perSecond;
    this.#running = this.#run();
  }

  /** Resolves when all that was posted is acknowledged. */
  async stop(): Promise<void> {
    this.#rate = 0;
    await this.#running;
    while (this.#underWay > 0) await pause(20);
  }

  /** Notes that the message of a user has come. */
  noteMessage(recipient: string): void {
    const n = Number(/^n(\d+)@/.exec(recipient)?.[1]);
    const postedAt = this.#postedAt.get(n);
    if (postedAt === undefined) return;
    this.#postedAt.delete(n);
    this.#latencies.send.push(performance.now() - postedAt);
  }

  takeLatencies(): Latencies {
    const taken = this.#latencies;
    this.#latencies = { ingest: [], send: [] };
    return taken;
  }

  async #run(): Promise<void> {
    const size =
      this.#rate === Number.POSITIVE_INFINITY ? 100 : Math.max(1, Math.min(100, Math.round(this.#rate / 10)));
    const began = performance.now();
    for (let posted = 0; this.#rate > 0; posted += size) {
      const due = began + (posted / this.#rate) * 1000;
      while (this.#rate > 0 && (performance.now() < due || this.#underWay >= MAX_UNDER_WAY)) await pause(5);
      if (this.#rate > 0) void this.#post(Array.from({ length: size }, () => this.#made++));
    }
  }

  async #post(numbers: readonly number[]): Promise<void> {
    this.#underWay++;
    const postedAt = performance.now();
    for (const n of numbers) if (n % EVENTS_PER_MESSAGE === 0) this.#postedAt.set(n, postedAt);
    try {
      await this.#client.events.send(numbers.map((n) => toEvent(n)));
      this.#latencies.ingest.push(performance.now() - postedAt);
      this.acknowledged += numbers.length;
    } catch (error) {
      this.errors.push(String(error));
    } finally {
      this.#underWay--;
    }
  }
}

/** Returns the number of events, of as many, that lead to a message. */
export function countMessages(events: number): number {
  return Math.ceil(events / EVENTS_PER_MESSAGE);
}

function toEvent(n: number) {
  const isNew = n % EVENTS_PER_MESSAGE === 0;
  return {
    event_id: `e${n}`,
    user_id: isNew ? `n${n}` : `known ${n % KNOWN_USERS}`,
    event_type: isNew ? 'came' : 'looked',
    event_timestamp: new Date().toISOString(),
    properties: { n, page: `/pages/${n % 997}` },
    ...(isNew ? { user_traits: { email: `n${n}@example.com` } } : {}),
  };
}
