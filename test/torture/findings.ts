/** Counts checks and failures by name. */
export class Findings {
  readonly #checks = new Map<string, { checked: number; failed: number; details: string[] }>();

  /** Adds a check, so that it is listed even if it never runs. */
  about(check: string): void {
    if (!this.#checks.has(check)) this.#checks.set(check, { checked: 0, failed: 0, details: [] });
  }

  /** @param detail names the row; called only if the check fails */
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
  /** The first failures. */
  readonly details: readonly string[];
}
