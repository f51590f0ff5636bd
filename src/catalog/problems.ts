import { CatalogError, type CatalogProblem } from '../errors.ts';

/** More problems than an author reads at once. */
const MAX_PROBLEMS = 200;

/** Collects the problems of a catalog, so that all of them are reported at once. */
export class Problems {
  readonly #found: CatalogProblem[] = [];
  readonly #seen = new Set<string>();

  /**
   * Adds a problem, unless the same one was added for the same place: several checks may find it.
   *
   * @throws CatalogError when the limit of 200 problems is reached
   */
  add(problem: CatalogProblem): void {
    const key = `${problem.file}\n${problem.line}\n${problem.column}\n${problem.message}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#found.push(problem);
    if (this.#found.length >= MAX_PROBLEMS) this.throwIfAny();
  }

  /** @throws CatalogError with every problem, ordered by file and place, if there is one */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new CatalogError(this.#found.toSorted(compareByPlace));
  }
}

/** Orders problems by file, then by line and column. */
export function compareByPlace(a: CatalogProblem, b: CatalogProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}
