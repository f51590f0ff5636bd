import type { Problem } from './types.ts';

/** Code of an error: one of Tidings, also of a later version, or `unexpected_response`. */
export type ErrorCode = Problem['code'] | 'unexpected_response' | (string & {});

/** One thing that is wrong with a request. */
export interface FieldError {
  /** JSON pointer into the body (RFC 6901), or the name of a parameter or header. */
  readonly pointer: string;
  readonly message: string;
}

/**
 * A response that is not a success: a problem document of Tidings (RFC 9457), or what a proxy in front of it sent.
 */
export class TidingsApiError extends Error {
  override readonly name = 'TidingsApiError';
  readonly status: number;
  /** Stable code of the problem, see `/api/docs/errors`; `unexpected_response`: the response is not one of Tidings. */
  readonly code: ErrorCode;
  /** Empty unless single fields are wrong. */
  readonly errors: readonly FieldError[];
  /** For the operator of Tidings: its log has it. Undefined if the response does not have one. */
  readonly requestId: string | undefined;
  /** Seconds after which the request may be sent again; undefined: the response does not say. */
  readonly retryAfter: number | undefined;

  constructor(problem: {
    readonly status: number;
    readonly code: string;
    readonly message: string;
    readonly errors?: readonly FieldError[];
    readonly requestId?: string | undefined;
    readonly retryAfter?: number | undefined;
  }) {
    super(problem.message);
    this.status = problem.status;
    this.code = problem.code;
    this.errors = problem.errors ?? [];
    this.requestId = problem.requestId;
    this.retryAfter = problem.retryAfter;
  }
}

/** No response: the connection failed, or the time for it was over. The cause has the error of `fetch`. */
export class TidingsConnectionError extends Error {
  override readonly name = 'TidingsConnectionError';
  readonly code: 'connection_failed' | 'timeout';

  constructor(code: 'connection_failed' | 'timeout', message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Characters of a response that is not JSON which the message quotes. */
const MAX_QUOTED_CHARS = 200;

/** Returns the error for a response that is not a success. @param text its body @param hasKey whether the client has a key */
export function toApiError(response: Response, text: string, hasKey: boolean): TidingsApiError {
  const { status, headers } = response;
  const common = {
    status,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfter: parseRetryAfter(headers.get('retry-after')),
  };
  const problem = parseObject(text);
  if (typeof problem?.code !== 'string') {
    const message = `The response is not one of Tidings (status ${status}): ${quote(text)}`;
    return new TidingsApiError({ ...common, code: 'unexpected_response', message });
  }
  const { code, detail, title, request_id: requestId, errors } = problem;
  return new TidingsApiError({
    ...common,
    code,
    message: `${code}: ${String(detail ?? title ?? '')}${status === 401 && !hasKey ? ' The client was made without an apiKey.' : ''}`,
    ...(Array.isArray(errors) ? { errors: errors as FieldError[] } : {}),
    requestId: typeof requestId === 'string' ? requestId : common.requestId,
  });
}

function parseObject(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as { readonly [name: string]: unknown }) : undefined;
  } catch {
    return undefined;
  }
}

function quote(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MAX_QUOTED_CHARS ? `${line.slice(0, MAX_QUOTED_CHARS)}…` : line || 'empty';
}

/** Returns the seconds of a Retry-After header, which has seconds or a date; undefined: it is absent, or neither. */
function parseRetryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value);
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}
