import { redact } from './mask.ts';

/** An error in the form that logs may contain. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  /** SQLSTATE, or a system error such as ECONNREFUSED. */
  readonly code?: string;
  readonly table?: string;
  readonly constraint?: string;
  /** Stack frames, without the message. */
  readonly stack?: string;
  readonly cause?: SerializedError;
}

/**
 * Serializes an error for pino's `err`, without user data. PostgreSQL quotes rows in `detail` and `where`, and values in the
 * message of a data exception (SQLSTATE class 22); a JSON syntax error quotes its input. All of these are left out, because
 * more parties read logs than the database.
 */
export function serializeError(error: unknown): SerializedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an error' };
  const { code, table, constraint } = error as { code?: unknown; table?: unknown; constraint?: unknown };
  const quotes = error instanceof SyntaxError || String(code).startsWith('22');
  const frames = error.stack?.split('\n').filter((line) => /^ {4}at /.test(line));
  return {
    type: error.constructor.name,
    message: quotes ? 'message omitted: it quotes its input' : redact(error.message),
    ...(typeof code === 'string' && { code }),
    ...(typeof table === 'string' && { table }),
    ...(typeof constraint === 'string' && { constraint }),
    ...(frames && { stack: frames.join('\n') }),
    ...(error.cause !== undefined && { cause: serializeError(error.cause) }),
  };
}
