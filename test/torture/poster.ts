import { setTimeout as pause } from 'node:timers/promises';
import { makeArrival, makeEvent, type PostedEvent, type User } from './events.ts';
import type { Random } from './random.ts';
import { makeStory } from './stories.ts';

/** The result of one event. */
export interface Acknowledged {
  readonly event: PostedEvent;
  /** Decisions as `verdict` writes them, in the order of the response. */
  readonly decisions: readonly string[];
  /** Time of the response. */
  readonly at: number;
}

/**
 * A client that retries everything: a request that failed, or was cut off, is sent again unchanged until it is acknowledged.
 */
export class Poster {
  /** Results by `properties.n`. */
  readonly acknowledged = new Map<number, Acknowledged>();
  /** Responses that no crash explains. */
  readonly wrong: string[] = [];
  requests = 0;
  retried = 0;
  repeated = 0;
  #made = 0;
  #storiesMade = 0;
  #pending = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];
  readonly #url: string;
  readonly #users: readonly User[];
  readonly #random: Random;
  readonly #end = Date.now();

  constructor(url: string, users: readonly User[], random: Random) {
    this.#url = `${url}/api/v1/events`;
    this.#users = users;
    this.#random = random;
  }

  /** Events posted, acknowledged or not. */
  get made(): number {
    return this.#made;
  }

  /** Requests in progress. */
  get pending(): number {
    return this.#pending;
  }

  /** Starts to post: `streams` requests at a time with past events, and beside them `stories` stories of the present. */
  start(streams: number, stories: number): void {
    this.#loops = [
      ...Array.from({ length: streams }, () => this.#stream()),
      ...Array.from({ length: stories }, () => this.#tellStories()),
    ];
  }

  /** Posts the events that make these users known. */
  async introduce(users: readonly User[]): Promise<void> {
    const events = users.map((user) => makeArrival(this.#made++, user));
    for (let from = 0; from < events.length; from += 200) await this.#untilAcknowledged(events.slice(from, from + 200));
  }

  /** Stops making events; resolves when all requests are acknowledged, or after `patience` ms. */
  async finish(patience: number): Promise<void> {
    this.#stopping = true;
    await Promise.race([Promise.all(this.#loops), pause(patience, undefined, { ref: false })]);
  }

  async #stream(): Promise<void> {
    while (!this.#stopping) {
      const size = this.#random.chance(0.5) ? 1 : this.#random.between(2, 60);
      const events = Array.from({ length: size }, () =>
        makeEvent(this.#made++, this.#random.pick(this.#users), this.#random, this.#end),
      );
      // Now and then a client sends a request again that was answered.
      if (this.#random.chance(0.1) && this.acknowledged.size > 0) {
        const n = this.#random.between(0, this.#made - 1);
        const before = this.acknowledged.get(n);
        if (before) events.push(before.event);
      }
      await this.#untilAcknowledged(events);
      await pause(this.#random.between(20, 120));
    }
  }

  /** Posts stories one after the other, each step after the one before was acknowledged. */
  async #tellStories(): Promise<void> {
    while (!this.#stopping) {
      const user = this.#random.pick(this.#users);
      let last = 0;
      for (const { after, events } of makeStory(`story ${this.#storiesMade++}`, this.#random)) {
        await pause(after);
        const now = Math.max(Date.now(), last + 1);
        const made = events(now).map(({ type, at = now, properties }) => ({
          event_id: `e-${this.#made}`,
          user_id: user.userId,
          event_type: type,
          event_timestamp: new Date(at).toISOString(),
          properties: { n: this.#made++, ...properties },
          user_traits: user.traits,
        }));
        last = now;
        await this.#untilAcknowledged(made);
      }
      await pause(this.#random.between(50, 400));
    }
  }

  async #untilAcknowledged(events: readonly PostedEvent[]): Promise<void> {
    this.#pending++;
    const body = JSON.stringify(events.length === 1 ? events[0] : events);
    for (let attempt = 1; ; attempt++) {
      const results = await this.#post(body);
      if (results) {
        events.forEach((event, i) => {
          this.#note(event, results[i]);
        });
        this.#pending--;
        return;
      }
      this.retried++;
      await pause(Math.min(500, 25 * attempt));
    }
  }

  /** Undefined: the request can be retried. */
  async #post(body: string): Promise<Result[] | undefined> {
    this.requests++;
    let status: number;
    let text: string;
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(15_000),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      // A server that is running and does not respond for so long hangs.
      if ((error as Error).name === 'TimeoutError') this.wrong.push('no answer within 15 s');
      return undefined;
    }
    if (status === 202) return (JSON.parse(text) as { results: Result[] }).results;
    if (status !== 503) this.wrong.push(`answer ${status}: ${text.slice(0, 300)}`);
    return undefined;
  }

  #note(event: PostedEvent, result: Result | undefined): void {
    const { n } = event.properties;
    const before = this.acknowledged.get(n);
    if (!result || (result.status !== 'accepted' && result.status !== 'duplicate')) {
      this.wrong.push(`event ${n} was answered ${JSON.stringify(result).slice(0, 300)}`);
      return;
    }
    const decisions = result.decisions.map(verdict);
    if (!before) {
      this.acknowledged.set(n, { event, decisions, at: Date.now() });
      return;
    }
    this.repeated++;
    if (result.status !== 'duplicate' || decisions.join() !== before.decisions.join()) {
      this.wrong.push(`event ${n}, sent again, was answered ${JSON.stringify(result).slice(0, 300)}`);
    }
  }
}

/** Distinguishes the decisions on one event. Notification IDs are left out, because each attempt creates new ones. */
export function verdict({ decision_id, outcome, notification_id }: Verdict): string {
  return `${decision_id} ${outcome} ${notification_id}`;
}

interface Verdict {
  readonly decision_id: string;
  readonly outcome: string;
  readonly notification_id: string | null;
}

interface Result {
  readonly status: string;
  readonly decisions: readonly Verdict[];
}
