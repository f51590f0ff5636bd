/** A line that names no user. */
export interface MemberError {
  /** From 0. */
  readonly line: number;
  readonly code: 'line_too_long' | 'invalid_json' | 'invalid_line';
  readonly message: string;
}

/** Result of an upload. */
export interface MemberImport {
  /** The first of them. */
  readonly errors: readonly MemberError[];
  readonly summary: {
    readonly lines: number;
    /** Members that were added. */
    readonly changed: number;
    /** Users who were members already; repetitions are among them. */
    readonly unchanged: number;
    readonly rejected: number;
    readonly empty: number;
    /** Members that the list has now. */
    readonly members: number;
  };
}
