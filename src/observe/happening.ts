/**
 * Something that this process does again and again, published to subscribers: metrics, traces and the log. Without subscribers,
 * which is the ordinary case, a place that publishes costs one look at `hasSubscribers`.
 */
export class Happening<Detail> {
  #subscribers: readonly ((detail: Detail) => void)[] = [];

  /** Look at it before the detail is made. */
  get hasSubscribers(): boolean {
    return this.#subscribers.length > 0;
  }

  /** Calls the subscribers. Their errors are theirs: what happened goes on. */
  publish(detail: Detail): void {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(detail);
      } catch {
        // A number that is missing is no harm; work that ends because of it would.
      }
    }
  }

  /** Adds a subscriber. Returns a function that removes it. */
  subscribe(subscriber: (detail: Detail) => void): () => void {
    this.#subscribers = [...this.#subscribers, subscriber];
    return () => {
      this.#subscribers = this.#subscribers.filter((one) => one !== subscriber);
    };
  }
}
