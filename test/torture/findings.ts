/** What was checked, how often, and where it did not hold. */
export class Findings {
  readonly #checks = new Map<string, { checked: number; failed: number; details: string[] }>();

  /** Announces a check, so that it is listed also when there was nothing to look at. */
  about(check: string): void {
    if (!this.#checks.has(check)) this.#checks.set(check, { checked: 0, failed: 0, details: [] });
  }

  /** @param detail names the row concerned; only asked for when it does not hold */
  expect(check: string, holds: boolean, detail: () => string): void {
    this.about(check);
    const entry = this.#checks.get(check) as { checked: number; failed: number; details: string[] };
    entry.checked++;
    if (holds) return;
    entry.failed++;
    if (entry.details.length < 5) entry.details.push(detail());
  }

  get rows(): readonly Finding[] {
    return [...this.#checks].map(([check, entry]) => ({ check, ...entry }));
  }

  get failed(): boolean {
    return this.rows.some(({ failed }) => failed > 0);
  }
}

export interface Finding {
  readonly check: string;
  readonly checked: number;
  readonly failed: number;
  /** The first few. */
  readonly details: readonly string[];
}
