import { TidingsApiError, TidingsConnectionError, toApiError } from './api-error.ts';

export interface TidingsOptions {
  /** Address of the installation, such as `https://tidings.example.com`; a path in it is kept. */
  readonly baseUrl: string;
  /** An API key, or a user's token. Absent: an installation on this machine that needs none, or the session of a browser. */
  readonly apiKey?: string | undefined;
  /** The tenant to act for; only a key of the installation, or a member of several tenants, needs it. */
  readonly tenant?: string | undefined;
  /** Time in ms for one attempt, until the whole response is read (default: 30,000). */
  readonly timeout?: number | undefined;
  /** Further attempts after one that failed (default: 3). */
  readonly maxRetries?: number | undefined;
  /** Default: the global one. */
  readonly fetch?: typeof fetch | undefined;
  /** Headers of every request. */
  readonly headers?: { readonly [name: string]: string } | undefined;
}

/** Options of one call. */
export interface CallOptions {
  /** Ends the call: it rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** Makes a POST safe to repeat (default: a random one). Pass your own to repeat a call in another process. */
  readonly idempotencyKey?: string | undefined;
  /** The `etag` that was read: the change is rejected as `outdated` if another one came first. */
  readonly ifMatch?: string | undefined;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** Parameters that are undefined are left out; a list is sent once for each of its values. */
  readonly query?: object | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /**
   * Sent as it is, as lines of JSON (`application/x-ndjson`), in the place of `body`; the result is `{ lines }`, those of the
   * response.
   */
  readonly ndjson?: string | undefined;
  /** A status outside 2xx whose response is a result all the same, if it has this field: a proxy may answer with the status too. */
  readonly alsoResult?: { readonly status: number; readonly field: string } | undefined;
}

/** A successful response. */
export interface Answer<T> {
  readonly data: T;
  /** For `ifMatch` of a later change; undefined: the resource has no revision. */
  readonly etag: string | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_RETRIES = 3;
/** Pause before the first further attempt, at most; it doubles from attempt to attempt up to the longest. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8000;
/**
 * Time in ms for which a request that is under way is asked about, whatever `maxRetries` allows: a process that was killed
 * within it blocks its key for a minute.
 */
const MAX_UNDER_WAY_MS = 75_000;
/** Longest Retry-After that is waited for. Beyond it the error is thrown, and the caller decides. */
const MAX_RETRY_AFTER_SECONDS = 60;

/** Sends requests, and repeats those that may have failed for a moment. */
export class Connection {
  readonly #options: TidingsOptions;
  readonly #base: string;

  constructor(options: TidingsOptions) {
    this.#options = options;
    this.#base = toBase(options);
  }

  /**
   * Sends a request. Repeats it with the same idempotency key after a failed connection, a timeout, 429, 5xx and
   * `idempotency_in_progress`, no earlier than the response asks for. A request of the same key that is under way does not count as an attempt.
   *
   * @throws TidingsApiError for a response that is not a success
   * @throws TidingsConnectionError without a response
   */
  async send<T>(call: Call, options: CallOptions = {}): Promise<Answer<T>> {
    const request = this.#toRequest(call, options);
    const maxRetries = this.#options.maxRetries ?? DEFAULT_MAX_RETRIES;
    const underWayUntil = performance.now() + (maxRetries > 0 ? MAX_UNDER_WAY_MS : 0);
    for (let retries = 0; ; ) {
      options.signal?.throwIfAborted();
      try {
        return await this.#attempt<T>(request, call.alsoResult, options.signal);
      } catch (error) {
        options.signal?.throwIfAborted();
        const pause = getPause(error, retries, call.method);
        const isWaiting = isUnderWay(error) && performance.now() < underWayUntil;
        if (pause === undefined || (retries >= maxRetries && !isWaiting)) throw error;
        if (!isWaiting) retries++;
        await sleep(pause, options.signal);
      }
    }
  }

  #toRequest({ method, path, query, body, ndjson }: Call, options: CallOptions): { url: string; init: RequestInit } {
    const { apiKey, tenant, headers } = this.#options;
    const parameters = toSearchParams(query);
    return {
      url: `${this.#base}${path}${parameters === '' ? '' : `?${parameters}`}`,
      init: {
        method,
        // A response from elsewhere is not one of Tidings, and a key must not go there.
        redirect: 'manual',
        headers: toHeaders(headers, {
          accept: 'application/json',
          authorization: apiKey === undefined ? undefined : `Bearer ${apiKey}`,
          'x-tidings-tenant': tenant,
          'content-type': ndjson !== undefined ? NDJSON : body === undefined ? undefined : 'application/json',
          'idempotency-key': method === 'POST' ? (options.idempotencyKey ?? randomKey()) : undefined,
          'if-match': options.ifMatch,
        }),
        ...(ndjson !== undefined ? { body: ndjson } : body === undefined ? {} : { body: JSON.stringify(body) }),
      },
    };
  }

  async #attempt<T>(
    { url, init }: { url: string; init: RequestInit },
    alsoResult: Call['alsoResult'],
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const timeout = this.#options.timeout ?? DEFAULT_TIMEOUT_MS;
    const end = new AbortController();
    const abort = () => end.abort();
    const timer = setTimeout(abort, timeout);
    signal?.addEventListener('abort', abort);
    try {
      const send = this.#options.fetch ?? fetch;
      const response = await send(url, { ...init, signal: end.signal });
      return await readAnswer<T>(response, alsoResult, this.#options.apiKey !== undefined);
    } catch (error) {
      if (error instanceof TidingsApiError) throw error;
      if (end.signal.aborted) throw new TidingsConnectionError('timeout', `No response within ${timeout} ms.`, error);
      throw new TidingsConnectionError('connection_failed', `No connection to ${this.#base}.`, error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }
}

async function readAnswer<T>(response: Response, alsoResult: Call['alsoResult'], hasKey: boolean): Promise<Answer<T>> {
  const text = await response.text();
  const etag = response.headers.get('etag') ?? undefined;
  const isLines = response.ok && response.headers.get('content-type')?.startsWith(NDJSON);
  const data = isLines ? { lines: parseLines(text) } : parseJson(text);
  // Every result is an object. Anything else is, for example, the login page of a proxy, or an empty response, with the status 200.
  const isResult = response.ok
    ? typeof data === 'object' && data !== null
    : response.status === alsoResult?.status && has(data, alsoResult.field);
  if (!isResult) throw toApiError(response, text, hasKey);
  return { data: data as T, etag };
}

const NDJSON = 'application/x-ndjson';

function parseLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [parseJson(line)]));
}

/** Returns undefined for a text that is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function has(data: unknown, field: string): boolean {
  return typeof data === 'object' && data !== null && field in data;
}

/** Returns the pause in ms before the next attempt; undefined: the error is final. @param retries further attempts before it */
function getPause(error: unknown, retries: number, method: Call['method']): number | undefined {
  const backoff = Math.random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retries);
  // A PATCH may have arrived, and another change may have come after it.
  if (error instanceof TidingsConnectionError) return method === 'PATCH' ? undefined : backoff;
  if (!(error instanceof TidingsApiError) || !isMomentary(error, method)) return undefined;
  const { retryAfter = 0 } = error;
  return retryAfter > MAX_RETRY_AFTER_SECONDS ? undefined : Math.max(backoff, retryAfter * 1000);
}

function isMomentary(error: TidingsApiError, method: Call['method']): boolean {
  const { status } = error;
  return status === 429 || status === 503 || isUnderWay(error) || (status >= 500 && method !== 'PATCH');
}

function isUnderWay(error: unknown): boolean {
  return error instanceof TidingsApiError && error.code === 'idempotency_in_progress';
}

/** Options by name; the compiler knows when one is missing. */
const OPTIONS: { readonly [name in keyof Required<TidingsOptions>]: true } = {
  baseUrl: true,
  apiKey: true,
  tenant: true,
  timeout: true,
  maxRetries: true,
  fetch: true,
  headers: true,
};

/** @throws TypeError that says what would be right: JavaScript has no compiler that finds a misspelled option */
function toBase(options: TidingsOptions): string {
  const unknown = Object.keys(options ?? {}).find((name) => !Object.hasOwn(OPTIONS, name));
  if (unknown !== undefined) {
    throw new TypeError(`${unknown} is not an option of Tidings; the options are ${Object.keys(OPTIONS).join(', ')}.`);
  }
  const url: unknown = options?.baseUrl;
  if (typeof url !== 'string' || !/^https?:/i.test(url) || !URL.canParse(url)) {
    throw new TypeError('baseUrl must be the address of an installation of Tidings, such as http://localhost:8000.');
  }
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/**
 * Returns the headers of the caller and our own, which come first; those that are undefined do not count.
 * @throws TypeError for a value that no header can have; the message does not quote it, because it may be a key
 */
function toHeaders(given: TidingsOptions['headers'], own: { readonly [name: string]: string | undefined }): Headers {
  const headers = new Headers();
  for (const [name, value] of [...Object.entries(given ?? {}), ...Object.entries(own)]) {
    if (value === undefined) continue;
    try {
      headers.set(name, value);
    } catch {
      throw new TypeError(`The value of the header ${name} has characters that no header can have.`);
    }
  }
  return headers;
}

function toSearchParams(query: object | undefined): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [value].flat()) if (one !== undefined && one !== null) parameters.append(name, String(one));
  }
  return parameters.toString();
}

/** Returns 128 random bits. (`crypto.randomUUID` exists in secure contexts only.) */
function randomKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
