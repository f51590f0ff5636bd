/** A sleep that `set()` interrupts. A `set()` before the sleep makes the next sleep return at once. */
export class Signal {
  #isSet = false;
  #wake: () => void = () => {};

  set(): void {
    this.#isSet = true;
    this.#wake();
  }

  /** Resolves after `set()`, or after `ms` milliseconds. One sleep at a time. */
  async sleep(ms: number): Promise<void> {
    if (!this.#isSet) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#isSet = false;
    this.#wake = () => {};
  }
}
