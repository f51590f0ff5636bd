import type { Logger } from 'pino';

/** A step that stops a part. */
export type StopStep = () => Promise<unknown> | unknown;

/** Steps that stop the parts of a process, the part that was made last first. */
export class Cleanup {
  readonly #steps: StopStep[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Adds the step that stops a part which has just been made. */
  push(step: StopStep): void {
    this.#steps.push(step);
  }

  /** Stops every part. One that does not stop cleanly is logged, and the others are stopped all the same. */
  async run(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.warn({ err: error }, 'a part of the process did not stop cleanly');
      }
    }
  }
}
