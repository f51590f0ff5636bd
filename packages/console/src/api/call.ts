import type { JsonObject } from '@tidings/client/types';
import { getApiKey, reportRejectedKey } from '../key.ts';
import { getTenant } from '../tenant.ts';

/** A failed call: the problem document of the API (RFC 9457), or a description made here if the response lacks one. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;

  constructor(status: number, title: string, detail: string, code: string) {
    super(title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = code;
  }
}

/** Builds the query of a URL from the parameters that are not null. */
export function buildQuery(parameters: Record<string, string | null>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return new URLSearchParams(given).toString();
}

/**
 * Calls the API with the key of this tab and returns the body of the response.
 * @param isResult recognizes bodies to return even if the status is an error
 * @throws Problem if the API cannot be reached or returns an error
 */
export async function callApi<T>(
  path: string,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE' = 'GET',
  content?: JsonObject,
  isResult: (body: unknown) => boolean = () => false,
  extraHeaders: Record<string, string> = {},
): Promise<T> {
  // The browser removes such parts of a path, however they are encoded: the answer would be that of another resource.
  if ((path.split('?')[0] ?? '').split('/').some((part) => /^\.{0,2}$/.test(part))) {
    throw new Problem(
      0,
      'Cannot be shown',
      'An ID that is empty, "." or ".." cannot be part of an address.',
      'invalid_id',
    );
  }
  const key = getApiKey();
  const headers = new Headers({ accept: 'application/json', ...extraHeaders });
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  const tenant = getTenant();
  if (tenant !== null) headers.set('x-tidings-tenant', tenant);
  if (content !== undefined) headers.set('content-type', 'application/json');
  const sent = content === undefined ? {} : { body: JSON.stringify(content) };
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(`/api/v1/${path}`, { method, headers, ...sent });
    body = await response.json().catch(() => undefined);
  } catch {
    throw new Problem(
      0,
      'Tidings cannot be reached',
      'Check that Tidings is running. The request received no response.',
      'unreachable',
    );
  }
  if ((response.ok && body !== undefined) || isResult(body)) return body as T;
  if (response.status === 401) reportRejectedKey(key);
  throw toProblem(response.status, body);
}

function toProblem(status: number, body: unknown): Problem {
  const document = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (field: string, otherwise: string) =>
    typeof document[field] === 'string' ? document[field] : otherwise;
  return new Problem(
    status,
    text('title', 'Unexpected response'),
    text('detail', `The server returned status ${status} without a reason.`),
    text('code', `http_${status}`),
  );
}
