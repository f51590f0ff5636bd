/**
 * Errors with stable codes. Each code has a section in docs/errors.md; a test holds the two together.
 * Over HTTP they become problem documents (RFC 9457).
 */

export const ERROR_CODES = {
  invalid_json: { status: 400, title: 'The body is not JSON' },
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthorized: { status: 401, title: 'An API key is needed' },
  not_found: { status: 404, title: 'There is no such thing here' },
  method_not_allowed: { status: 405, title: 'This resource does not do that' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  not_retryable: { status: 409, title: 'This cannot be retried in its present state' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  invalid_catalog: { status: 422, title: 'The catalog has mistakes' },
  invalid_body: { status: 422, title: 'The body has the wrong shape' },
  too_many_events: { status: 422, title: 'Too many events in one request' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Something is wrong on our side' },
  overloaded: { status: 503, title: 'Busy: try again shortly' },
  unavailable: { status: 503, title: 'The database cannot be reached: try again shortly' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error a caller can act on. */
export class TidingsError extends Error {
  readonly code: ErrorCode;
  /** Where in the input it is wrong, e.g. `properties.amount`; empty when it is the whole. */
  readonly path: string;
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined;
  /** Of a catalog: every mistake with its place. */
  readonly problems: readonly CatalogProblem[] | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: { path?: string; retryAfter?: number; problems?: readonly CatalogProblem[]; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.name = 'TidingsError';
    this.code = code;
    this.path = more.path ?? '';
    this.retryAfter = more.retryAfter;
    this.problems = more.problems;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

/** Why one event of a request was refused. */
export const REJECTION_CODES = {
  invalid_event: 'The event is not an object, or a field of the envelope is missing or has the wrong type.',
  invalid_id: 'An id or a type is empty, longer than 256 characters, or has control characters.',
  invalid_timestamp: 'The timestamp is not an RFC 3339 date and time with a zone.',
  invalid_content:
    'A value cannot be stored: too deep, not a finite number, text with a NUL or half a surrogate pair, or too much in one event.',
  unknown_field: 'A field of the envelope looks misspelt.',
  schema_mismatch: 'The properties or traits do not fit the schema of this event type.',
  event_id_conflict: 'This event_id is already stored with other content.',
  undecidable: 'Deciding it fails in our own code.',
} as const;

export type RejectionCode = keyof typeof REJECTION_CODES;

/** A mistake in a catalog file, with its place. */
export interface CatalogProblem {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly message: string;
  /** What was probably meant. */
  readonly hint?: string;
}

export class CatalogError extends Error {
  readonly problems: readonly CatalogProblem[];

  constructor(problems: readonly CatalogProblem[]) {
    super(
      problems.map((p) => `${p.file}:${p.line}:${p.column}: ${p.message}${p.hint ? ` (${p.hint})` : ''}`).join('\n'),
    );
    this.name = 'CatalogError';
    this.problems = problems;
  }
}

/** The configuration (environment or flags) cannot be used; the message says which variable and what would be right. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
