import { redact } from './mask.ts';

/** An error as a log may hold it. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  /** SQLSTATE, or a system error such as ECONNREFUSED. */
  readonly code?: string;
  readonly table?: string;
  readonly constraint?: string;
  /** Where it was thrown, without the message. */
  readonly stack?: string;
  readonly cause?: SerializedError;
}

/**
 * For pino's `err`. PostgreSQL quotes rows in `detail` and `where`, and values in the message of a data exception (SQLSTATE
 * class 22); what cannot be parsed as JSON is quoted by who tried. None of it comes here: a log is read by more people than
 * the database.
 */
export function serializeError(error: unknown): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error' };
  const { code, table, constraint } = error as { code?: unknown; table?: unknown; constraint?: unknown };
  const quotes = error instanceof SyntaxError || String(code).startsWith('22');
  const frames = error.stack?.split('\n').filter((line) => /^ {4}at /.test(line));
  return {
    type: error.constructor.name,
    message: quotes ? 'it quotes what it was given' : redact(error.message),
    ...(typeof code === 'string' && { code }),
    ...(typeof table === 'string' && { table }),
    ...(typeof constraint === 'string' && { constraint }),
    ...(frames && { stack: frames.join('\n') }),
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
