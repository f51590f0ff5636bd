import type { Millis } from '../model/event.ts';

/** Sleep from which one can be roused; a call that came before the sleep counts. */
export class Signal {
  #awake = false;
  #wake: () => void = () => {};

  set(): void {
    this.#awake = true;
    this.#wake();
  }

  /** Until roused, at most `wait` milliseconds. */
  async sleep(wait: Millis): Promise<void> {
    if (!this.#awake) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#awake = false;
    this.#wake = () => {};
  }
}
