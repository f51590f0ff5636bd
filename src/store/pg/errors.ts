/** Classes of errors by their SQLSTATE (PostgreSQL documentation, appendix A) and of errors of the connection. */

/** SQLSTATEs after which the whole transaction is run again. */
const RETRYABLE_SQLSTATES = new Set([
  '23505', // unique_violation: another process was first; the next run sees what it stored
  '40001', // serialization_failure
  '40P01', // deadlock_detected
]);

/**
 * SQLSTATEs that mean "no database", not "wrong statement": connection exceptions, insufficient resources, shutting down or
 * starting, our transaction was ended because it was idle (25P03), and the server is read-only (25006: another one is the
 * primary now).
 */
const CONNECTION_SQLSTATES = /^(08|53|57P0|25P03$|25006$)/;
const SOCKET_ERROR_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOENT', // the Unix socket does not exist
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
]);
/** Messages of node-postgres for errors without a code. The last is its message for `Timeouts.query`. */
const CONNECTION_LOST_MESSAGES =
  /Connection terminated|timeout e(xpired|xceeded when trying to connect)|Client (has encountered a connection error|was closed)|Query read timeout/;

/** SQLSTATEs of a statement that failed because of what other sessions did. */
const CONTENTION_SQLSTATES = new Set([
  '40001', // serialization_failure, repeatedly
  '40P01', // deadlock_detected, repeatedly
  '55P03', // lock_not_available: `Timeouts.lock`
  '57014', // query_canceled: by an operator, or by a statement_timeout of the installation
]);

/** SQLSTATEs of a lock that was not given in time, or that would have been a deadlock. */
const LOCK_SQLSTATES = new Set(['55P03', '40P01']);

/** Returns whether a statement failed because of locks of other sessions, after which a change of the schema is tried again. */
export function isLockFailure(error: unknown): boolean {
  return LOCK_SQLSTATES.has(getSqlState(error));
}

/** Returns whether the transaction of a failed statement is worth running again at once. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE_SQLSTATES.has(getSqlState(error));
}

/**
 * Returns whether the database cannot be reached. The connection is unusable, and it is not known whether a commit was
 * done.
 */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = getSqlState(error);
  // A file that is missing has the same code as a Unix socket that is.
  const isOfSocket = SOCKET_ERROR_CODES.has(code) && (error as NodeJS.ErrnoException).syscall !== 'open';
  return CONNECTION_SQLSTATES.test(code) || isOfSocket || CONNECTION_LOST_MESSAGES.test(error.message);
}

/** Returns whether the database is unreachable or too busy: repeating the work later is likely to succeed. */
export function isTransient(error: unknown): boolean {
  return isUnreachable(error) || CONTENTION_SQLSTATES.has(getSqlState(error));
}

/**
 * Returns whether the database cannot store a value: data exception (22), or program limit exceeded (54), such as an index
 * row that is too large.
 */
export function isInvalidValueError(error: unknown): boolean {
  return /^(22|54)/.test(getSqlState(error));
}

/** Returns whether the error is a bug in our code or a violated constraint (23): repeating the work fails the same way. */
function isBug(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError) return true;
  return getSqlState(error).startsWith('23');
}

/** Returns whether a single item of the work may be the cause, by its values or by a bug; see lib/bisect.ts. */
export function isItemError(error: unknown): boolean {
  return isInvalidValueError(error) || isBug(error);
}

/**
 * Returns true if retrying cannot help: an invalid value, a constraint violation, or an error of our own code. Missing
 * privileges and full disks are excluded, because an operator can fix them.
 */
export function isPermanentError(error: unknown): boolean {
  if (isItemError(error)) return true;
  // Errors of our own code have no code.
  return error instanceof Error && !('code' in error) && !isUnreachable(error);
}

/** Returns the SQLSTATE, or the code of a system error; `'undefined'` if there is no code. */
export function getSqlState(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code);
}
