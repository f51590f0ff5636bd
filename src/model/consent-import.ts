/** A line of an import of consents that was not recorded. */
export interface ImportError {
  /** From 0. */
  readonly line: number;
  readonly code: string;
  readonly message: string;
}

/** Result of an import of consents. */
export interface ImportResult {
  /** The first of them. */
  readonly errors: readonly ImportError[];
  readonly summary: {
    readonly lines: number;
    readonly recorded: number;
    /** Recorded ones that wait for the confirmation of their user (double opt-in), and do not count until then. */
    readonly pending: number;
    /** Lines that were imported before. */
    readonly known: number;
    readonly rejected: number;
    readonly empty: number;
  };
}
