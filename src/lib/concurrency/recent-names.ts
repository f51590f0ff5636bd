/** The names that were noted last, each once, up to a maximum. Of owners who take turns, it tells who had one lately. */
export class RecentNames {
  readonly #max: number;
  readonly #names = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Makes a name the latest. Beyond the maximum, the earliest goes. */
  note(name: string): void {
    this.#names.delete(name);
    this.#names.add(name);
    const [earliest] = this.#names;
    if (this.#names.size > this.#max && earliest !== undefined) this.#names.delete(earliest);
  }

  /** Returns the names, the latest last. */
  list(): string[] {
    return [...this.#names];
  }
}
