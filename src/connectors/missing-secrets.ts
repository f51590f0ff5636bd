import type { Millis } from '../model/event.ts';
import type { ClaimedTask } from '../store/connectors/tasks.ts';
import type { AttemptEnd } from './attempt.ts';

/** Time (ms) after which a connector counts as removed, whose tasks have not asked for their secret again: longer than they wait. */
const MAX_AGE_MS: Millis = 2_400_000;
/** Connectors that are remembered; beyond it, all are forgotten. */
const MAX_CONNECTORS = 1000;

/** Connectors of one tenant whose tasks wait because this process lacks a secret, which others may have from their environment. */
export class MissingSecrets {
  readonly #tenantId: string;
  /** When a task last lacked a secret, by connector. */
  readonly #seenAt = new Map<string, Millis>();

  constructor(tenantId: string) {
    this.#tenantId = tenantId;
  }

  /** Notes how an attempt ended. Returns whether its connector lacks a secret from now on. @param now of a monotonic clock */
  note({ tenantId, connector }: ClaimedTask, end: AttemptEnd, now: Millis): boolean {
    if (tenantId !== this.#tenantId) return false;
    const wasMissing = this.#seenAt.delete(connector);
    if (end !== 'secret_missing') return false;
    if (this.#seenAt.size >= MAX_CONNECTORS) this.#seenAt.clear();
    this.#seenAt.set(connector, now);
    return !wasMissing;
  }

  /** Returns how many connectors lack a secret. */
  count(now: Millis): number {
    return [...this.#seenAt.values()].filter((seenAt) => now - seenAt < MAX_AGE_MS).length;
  }
}
