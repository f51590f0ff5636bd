import type { ProblemPart } from '@tidings/client/types';
import { getApiKey, reportRejectedKey } from '../key.ts';
import { getTenant } from '../tenant.ts';
import { t } from '../text/text.ts';

/** A failed call: the problem document of the API (RFC 9457), or a description made here if the response lacks one. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  /** Parts of the request that are wrong. */
  readonly parts: readonly ProblemPart[];
  /** Whether it is of a request to do something, and not of one to see something. */
  readonly isOfCommand: boolean;

  constructor(
    status: number,
    title: string,
    detail: string,
    code: string,
    parts: readonly ProblemPart[] = [],
    isOfCommand = false,
  ) {
    super(title);
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = code;
    this.parts = parts;
    this.isOfCommand = isOfCommand;
  }
}

/** Builds the query of a URL from the parameters that are not null. */
export function buildQuery(parameters: Record<string, string | null>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== null);
  return new URLSearchParams(given).toString();
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Calls the API with the key of this tab and returns the body of the response.
 * @param isResult recognizes bodies to return even if the status is an error
 * @throws Problem if the API cannot be reached or returns an error
 */
export async function callApi<T>(
  path: string,
  method: Method = 'GET',
  content?: object,
  isResult: (body: unknown) => boolean = () => false,
  extraHeaders: Record<string, string> = {},
): Promise<T> {
  const sent = content === undefined ? {} : { content: JSON.stringify(content), type: 'application/json' };
  const { status, isDone, text } = await sendRequest(path, { method, headers: extraHeaders, ...sent });
  const body = parse(text);
  if ((isDone && body !== undefined) || isResult(body)) return body as T;
  throw toProblem(status, body, method);
}

/**
 * Sends lines of JSON, and returns those of the answer.
 * @throws Problem if the API cannot be reached or returns an error
 */
export async function putLines(path: string, content: string, signal: AbortSignal): Promise<unknown[]> {
  const headers = { accept: 'application/x-ndjson, application/json' };
  const type = 'application/x-ndjson';
  const { status, isDone, text } = await sendRequest(path, { method: 'PUT', headers, content, type, signal });
  if (!isDone) throw toProblem(status, parse(text), 'PUT');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/**
 * Returns the text of a file.
 * @throws Problem if the API cannot be reached or returns an error
 */
export async function loadText(path: string): Promise<string> {
  const { status, isDone, text } = await sendRequest(path, { method: 'GET', headers: { accept: '*/*' } });
  if (!isDone) throw toProblem(status, parse(text), 'GET');
  return text;
}

interface Sent {
  readonly method: Method;
  readonly headers: Record<string, string>;
  readonly content?: string;
  /** Media type of the content. */
  readonly type?: string;
  readonly signal?: AbortSignal;
}

/** Sends a request with the key and the tenant of this tab. Throws a Problem if there is no response. */
async function sendRequest(path: string, { method, headers: extra, content, type, signal }: Sent) {
  // The browser removes such parts of a path, however they are encoded: the answer would be that of another resource.
  if ((path.split('?')[0] ?? '').split('/').some((part) => /^\.{0,2}$/.test(part))) {
    throw new Problem(
      0,
      t('Cannot be shown'),
      t('An ID that is empty, "." or ".." cannot be part of an address.'),
      'invalid_id',
    );
  }
  const key = getApiKey();
  const headers = buildHeaders({ accept: 'application/json', ...extra });
  if (type !== undefined) headers.set('content-type', type);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      ...(content === undefined ? {} : { body: content }),
      ...(signal === undefined ? {} : { signal }),
    });
    text = await response.text();
  } catch {
    throwUnreachable();
  }
  if (response.status === 401) reportRejectedKey(key);
  return { status: response.status, isDone: response.ok, text };
}

/** Returns headers with the key and the tenant of this tab. */
export function buildHeaders(own: Record<string, string>): Headers {
  const headers = new Headers(own);
  const key = getApiKey();
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  const tenant = getTenant();
  if (tenant !== null) headers.set('x-tidings-tenant', tenant);
  return headers;
}

export function throwUnreachable(): never {
  throw new Problem(
    0,
    t('Tidings cannot be reached'),
    t('Check that Tidings is running. The request received no response.'),
    'unreachable',
  );
}

/** Returns undefined for what is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function toProblem(status: number, body: unknown, method: Method): Problem {
  const document = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const text = (field: string, otherwise: string) =>
    typeof document[field] === 'string' ? document[field] : otherwise;
  return new Problem(
    status,
    text('title', t('Unexpected response')),
    text('detail', t('The server returned status {status} without a reason.', { status: String(status) })),
    text('code', `http_${status}`),
    Array.isArray(document.errors) ? document.errors : [],
    method !== 'GET',
  );
}
