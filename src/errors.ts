/** Error codes with their HTTP status and title. A test compares the codes with the sections of docs/errors.md. */
export const ERROR_CODES = {
  invalid_json: { status: 400, title: 'Invalid JSON' },
  invalid_request: { status: 400, title: 'Invalid request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  token_expired: { status: 401, title: 'Token expired' },
  issuer_unavailable: { status: 401, title: 'Issuer unavailable' },
  link_used: { status: 401, title: 'Link used or expired' },
  not_a_member: { status: 403, title: 'Not a member' },
  forbidden: { status: 403, title: 'Forbidden' },
  tenant_suspended: { status: 403, title: 'Tenant suspended' },
  foreign_origin: { status: 403, title: 'Foreign origin' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'Request timeout' },
  not_readable: { status: 409, title: 'Not readable' },
  address_of_traits: { status: 409, title: 'Address of the traits' },
  not_retryable: { status: 409, title: 'Not retryable' },
  not_cancellable: { status: 409, title: 'Not cancellable' },
  member_exists: { status: 409, title: 'Member exists' },
  last_owner: { status: 409, title: 'Last owner' },
  already_merged: { status: 409, title: 'Already merged' },
  key_ended: { status: 409, title: 'Key ended' },
  idempotency_in_progress: { status: 409, title: 'Idempotency key in use' },
  tenant_exists: { status: 409, title: 'Tenant exists' },
  account_exists: { status: 409, title: 'Account exists' },
  tenant_in_use: { status: 409, title: 'Tenant in use' },
  job_ended: { status: 409, title: 'Job ended' },
  managed_by_files: { status: 409, title: 'Managed by files' },
  release_under_way: { status: 409, title: 'Release under way' },
  release_not_started: { status: 409, title: 'Release not started' },
  release_ended: { status: 409, title: 'Release ended' },
  template_exists: { status: 409, title: 'Template exists' },
  template_in_use: { status: 409, title: 'Template in use' },
  list_exists: { status: 409, title: 'List exists' },
  wrong_batch_state: { status: 409, title: 'Wrong state of the batch' },
  wrong_offset: { status: 409, title: 'Wrong offset' },
  outdated: { status: 412, title: 'Outdated' },
  tenant_isolation_unavailable: { status: 409, title: 'Tenant isolation unavailable' },
  payload_too_large: { status: 413, title: 'Payload too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  invalid_catalog: { status: 422, title: 'Invalid catalog' },
  invalid_body: { status: 422, title: 'Invalid request body' },
  invalid_template: { status: 422, title: 'Invalid template' },
  too_many_templates: { status: 422, title: 'Too many templates' },
  unknown_type: { status: 422, title: 'Unknown notification type' },
  category_mismatch: { status: 422, title: 'Category mismatch' },
  invalid_notification: { status: 422, title: 'Invalid notification' },
  too_many_events: { status: 422, title: 'Too many events' },
  invalid_issuer: { status: 422, title: 'Invalid issuer' },
  invalid_account: { status: 422, title: 'Invalid account' },
  too_many_accounts: { status: 422, title: 'Too many accounts' },
  invalid_webhook: { status: 422, title: 'Invalid webhook' },
  too_many_webhooks: { status: 422, title: 'Too many webhooks' },
  too_many_issuers: { status: 422, title: 'Too many issuers' },
  too_many_members: { status: 422, title: 'Too many members' },
  idempotency_key_reused: { status: 422, title: 'Idempotency key reused' },
  channels_not_used: { status: 422, title: 'Channels not used' },
  preference_locked: { status: 422, title: 'Preference locked' },
  wrong_code: { status: 422, title: 'Wrong code' },
  code_expired: { status: 422, title: 'Code expired' },
  too_much_to_merge: { status: 422, title: 'Too much to merge' },
  too_many_addresses: { status: 422, title: 'Too many addresses' },
  too_many_lists: { status: 422, title: 'Too many lists' },
  list_full: { status: 422, title: 'List full' },
  invalid_condition: { status: 422, title: 'Invalid condition' },
  too_many_devices: { status: 422, title: 'Too many devices' },
  too_many_streams: { status: 429, title: 'Too many streams' },
  too_many_keys: { status: 422, title: 'Too many keys' },
  rate_limited: { status: 429, title: 'Too many requests' },
  too_many_batches: { status: 429, title: 'Too many batches' },
  too_many_jobs: { status: 429, title: 'Too many jobs' },
  headers_too_large: { status: 431, title: 'Request headers too large' },
  internal: { status: 500, title: 'Internal server error' },
  overloaded: { status: 503, title: 'Service overloaded' },
  tenant_moving: { status: 503, title: 'Tenant moving' },
  unavailable: { status: 503, title: 'Database unavailable' },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** One part of a request that is wrong. */
export interface ProblemPart {
  /** As `TidingsError.pointer`. */
  readonly pointer: string;
  /** Sentence that says what is wrong, and what would be right. */
  readonly message: string;
  /** Check that found it; present, as the place that follows, for a file of a catalog. */
  readonly code?: string;
  readonly severity?: 'error' | 'warning';
  readonly file?: string;
  /** 1-based, as the column. */
  readonly line?: number;
  readonly column?: number;
  /** Suggested correction, such as `did you mean amount?`. */
  readonly hint?: string;
}

/** An error that the caller can act on. Over HTTP it becomes a problem document (RFC 9457). */
export class TidingsError extends Error {
  readonly code: ErrorCode;
  /**
   * Part of the request that is wrong: a JSON pointer into its body, such as `/filter/rule`, or the name of a parameter of
   * its path, query or headers. Empty: the request as a whole, or the state of what it is about.
   */
  readonly pointer: string;
  /** Every part that is wrong, with what is wrong; undefined: `pointer` alone, if it is not empty. */
  readonly errors: readonly ProblemPart[] | undefined;
  /** Seconds after which the caller should retry; undefined if a retry does not help. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { pointer?: string; retryAfter?: number; errors?: readonly ProblemPart[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'TidingsError';
    this.code = code;
    this.pointer = options.pointer ?? options.errors?.[0]?.pointer ?? '';
    this.retryAfter = options.retryAfter;
    this.errors = options.errors;
  }

  get status(): number {
    return ERROR_CODES[this.code].status;
  }
}

/** Returns the error for a change of a revision that another change has replaced. @param current the revision there is */
export function toOutdated(current: number): TidingsError {
  return new TidingsError(
    'outdated',
    `It was changed since: the current revision is "${current}". Read it again, and send your change with that If-Match.`,
    { pointer: 'if-match' },
  );
}

/** Returns the error for a request of a tenant that moves to another installation. */
export function tenantMoving(): TidingsError {
  const message = 'The tenant moves to another installation, which takes minutes; send the request again.';
  return new TidingsError('tenant_moving', message, { retryAfter: MOVING_RETRY_SECONDS });
}

const MOVING_RETRY_SECONDS = 2;

/** Codes of rejected events and their meaning. A test compares both with a table of docs/errors.md. */
export const REJECTION_CODES = {
  invalid_event: 'The event is not an object, or a field of the envelope is missing or has the wrong type.',
  user_missing: 'A CloudEvent or domain event names no user where the mapping of the catalog looks for one.',
  invalid_id: 'An id or a type is empty, longer than 256 characters, or has control characters.',
  invalid_timestamp: 'The timestamp is not an RFC 3339 date and time with a zone, or is before 1970.',
  event_in_future: 'The event time is further in the future than this server accepts.',
  invalid_content:
    'A value cannot be stored: too deep, not a finite number, a whole number with more digits than a number holds, text with a NUL or half a surrogate pair, or too much in one event.',
  profile_too_large:
    'The traits would make the profile of the user larger than 1000 traits or 64 KiB, or a change their preferences larger than 64 KiB.',
  unknown_field: 'A field of the envelope looks misspelled or is reserved.',
  schema_mismatch: 'The properties or traits do not match the schema of this event type.',
  user_erased: 'The user was erased after the time of this event.',
  event_id_conflict: 'This event_id is already stored with different content.',
  too_costly: 'Deciding the event takes too much CPU time.',
  undecidable: 'The event cannot be decided because of an error in Tidings itself.',
} as const;

export type RejectionCode = keyof typeof REJECTION_CODES;

/** An error or a warning in a catalog file, with its location. */
export interface CatalogProblem {
  /** Path inside the catalog folder, such as `rules.yaml`. */
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  readonly message: string;
  /** Suggested correction, such as `did you mean amount?`. */
  readonly hint?: string;
}

/** Errors that keep a catalog from being loaded. The message has one line per problem. */
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

/** An unusable configuration (environment or flags). The message names the variable and says which value is expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A full disk under the embedded PostgreSQL. Its message says what to do. Nothing is lost, and a later start succeeds. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError';
  readonly code = 'ENOSPC';

  constructor(directory: string, cause: unknown) {
    super(`The disk with ${directory} is full: free some space there. Nothing is lost.`, { cause });
  }
}
