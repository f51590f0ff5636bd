import { CatalogError, type CatalogProblem } from '../../errors.ts';

const MOST = 200;

/** Collects the mistakes of a catalog, so that all are told at once. */
export class Problems {
  readonly #found: CatalogProblem[] = [];
  readonly #seen = new Set<string>();

  /**
   * Told once, however many checks find it.
   *
   * @throws CatalogError when there are 200: whoever made the file wants no more of them
   */
  add(problem: CatalogProblem): void {
    const key = `${problem.file}\n${problem.line}\n${problem.column}\n${problem.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#found.push(problem);
    if (this.#found.length >= MOST) this.throwIfAny();
  }

  /** @throws CatalogError with every problem, by file and place, when there is one. */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new CatalogError(this.#found.toSorted(byPlace));
  }
}

/** By file, then by place. */
export function byPlace(a: CatalogProblem, b: CatalogProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
