const BAR = 30;

/** Shows on a terminal how far something is, in one line; elsewhere, every tenth. */
export class Progress {
  readonly #output: NodeJS.WriteStream;
  readonly #what: string;
  readonly #startedAt = performance.now();
  #tenths = 0;

  constructor(output: NodeJS.WriteStream, what: string) {
    this.#output = output;
    this.#what = what;
    output.write(`${what} (once) …\n`);
  }

  /** @param part from 0 to 1 */
  show(part: number, detail: string): void {
    const percent = `${Math.round(part * 100)}%`.padStart(4);
    if (this.#output.isTTY) {
      const done = Math.round(part * BAR);
      this.#output.write(`\r  ${'█'.repeat(done)}${'░'.repeat(BAR - done)} ${percent}  ${detail}`);
    } else if (Math.floor(part * 10) > this.#tenths) {
      this.#tenths = Math.floor(part * 10);
      this.#output.write(`  ${percent}  ${detail}\n`);
    }
  }

  end(): void {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    this.#output.write(`${this.#output.isTTY ? '\r\x1b[K' : ''}${this.#what}: done in ${seconds} s.\n`);
  }
}
