/**
 * Something that this process does again and again, reported to listeners: metrics, traces and the log. Without listeners,
 * which is the ordinary case, a place that tells costs one look at `isHeard`.
 */
export class Happening<Detail> {
  #listeners: readonly ((detail: Detail) => void)[] = [];

  /** Whether there are listeners. Look at it before the detail is made. */
  get isHeard(): boolean {
    return this.#listeners.length > 0;
  }

  /** Calls the listeners. Their errors are theirs: what happened goes on. */
  tell(detail: Detail): void {
    for (const listener of this.#listeners) {
      try {
        listener(detail);
      } catch {
        // A number that is missing is no harm; work that ends because of it would.
      }
    }
  }

  /** Adds a listener. Returns a function that removes it. */
  receive(listener: (detail: Detail) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== listener);
    };
  }
}
