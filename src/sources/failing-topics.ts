import { doublePause } from '../lib/doubling-pause.ts';
import type { Millis } from '../model/event.ts';

/** Pauses (ms) before a topic that cannot be read is tried again. */
const FIRST_RETRY_MS: Millis = 5000;
const LAST_RETRY_MS: Millis = 60_000;

interface Suspect {
  /** Times in a row that it could not be read; 0: others that were read with it may be the cause. */
  failures: number;
  /** Monotonic time (ms) at which it is tried again. */
  retryAt: Millis;
  cause: string;
}

/**
 * Topics that cannot be read, although the brokers can be used: the login lacks the right, or a message cannot be parsed. Each is left
 * out for a growing time, so that it keeps no other from being read. Suspects are read apart from the others.
 */
export class FailingTopics {
  readonly #suspects = new Map<string, Suspect>();
  readonly #now: () => Millis;

  /** @param now a monotonic clock, in ms */
  constructor(now: () => Millis = () => performance.now()) {
    this.#now = now;
  }

  /** Notes that one of these topics cannot be read, or the one that it is. */
  fail(topics: readonly string[], cause: string): void {
    const isAlone = topics.length === 1;
    for (const topic of topics) {
      const suspect = this.#suspects.get(topic) ?? { failures: 0, retryAt: 0, cause };
      this.#suspects.set(topic, suspect);
      if (!isAlone) continue;
      suspect.cause = cause;
      suspect.failures++;
      suspect.retryAt = this.#now() + doublePause(FIRST_RETRY_MS, LAST_RETRY_MS, suspect.failures);
    }
  }

  /** Notes that a topic is read. */
  recover(topic: string): void {
    this.#suspects.delete(topic);
  }

  isSuspect(topic: string): boolean {
    return this.#suspects.has(topic);
  }

  /** Whether a topic is left out now. */
  isLeftOut(topic: string): boolean {
    return (this.#suspects.get(topic)?.retryAt ?? 0) > this.#now();
  }

  /** Why topics were not read when they were tried last, by topic. */
  get causes(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#suspects].filter(([, { failures }]) => failures > 0).map(([topic, { cause }]) => [topic, cause]),
    );
  }
}
