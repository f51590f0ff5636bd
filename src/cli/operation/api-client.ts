import { isTenantId, TENANT_ID_HINT } from '../../model/tenant.ts';
import { describeUnknownTenant } from '../../tenants/known-tenant.ts';
import { isProblemList } from '../output/format-problems.ts';

/** HTTP client of a running Tidings, for the commands that use one. Each call throws an ApiError if it fails. */
export interface ApiClient {
  get(path: string): Promise<unknown>;
  /** Returns the text of a response that is no JSON. */
  getText(path: string): Promise<string>;
  /** @param body undefined: none */
  post(path: string, body?: object, headers?: { readonly [name: string]: string }): Promise<unknown>;
  put(path: string, body: object): Promise<unknown>;
  /** Sends lines of JSON. Returns those of the response. */
  putLines(path: string, lines: string): Promise<readonly unknown[]>;
  postLines(path: string, lines: string): Promise<readonly unknown[]>;
  patch(path: string, body: object): Promise<unknown>;
  delete(path: string): Promise<unknown>;
  /** Sends a request whose response is a file; returns its content as it comes. */
  download(path: string, body: object): Promise<ReadableStream<Uint8Array>>;
}

/** Tenants among which the nearest id is looked for: a page. */
const MAX_LISTED_TENANTS = 200;

const KEY_HINT = 'set TIDINGS_API_KEY, or choose an installation with --profile (see tidings profiles --help)';

/** A call that failed, with a message for the terminal: the error that Tidings answered, or that it does not answer. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The problem document (RFC 9457), if Tidings sent one. */
  readonly problem: { readonly [key: string]: unknown } | undefined;

  constructor(message: string, problem?: { readonly [key: string]: unknown }) {
    super(message);
    this.problem = problem;
  }
}

/**
 * Creates the client from the environment: TIDINGS_URL (by default http://localhost with PORT, or 8000), and TIDINGS_API_KEY
 * or the first key of TIDINGS_API_KEYS. TIDINGS_TENANT selects a tenant, for a key that may work on several.
 *
 * @throws ApiError if the address is not valid
 */
export function connect(env: { readonly [name: string]: string | undefined }): ApiClient {
  const base = getBaseUrl(env);
  const tenant = env.TIDINGS_TENANT || undefined;
  if (tenant !== undefined && !isTenantId(tenant)) {
    throw new ApiError(`TIDINGS_TENANT is ${JSON.stringify(tenant)}, which is no id of a tenant; ${TENANT_ID_HINT}`);
  }
  const key = (env.TIDINGS_API_KEY ?? env.TIDINGS_API_KEYS)?.split(',')[0]?.trim();
  const request = async (path: string, init: RequestInit, isForTenant = true): Promise<Response> => {
    requireWholePath(path);
    let response: Response;
    try {
      response = await fetch(base + path, {
        ...init,
        redirect: 'error',
        headers: {
          ...(init.body ? { 'content-type': 'application/json' } : {}),
          ...init.headers,
          ...(key ? { authorization: `Bearer ${key}` } : {}),
          ...(tenant !== undefined && isForTenant ? { 'x-tidings-tenant': tenant } : {}),
        },
      });
    } catch {
      throw new ApiError(
        `Tidings cannot be reached at ${new URL(base).origin}; start it with npm start, or set TIDINGS_URL`,
      );
    }
    if (response.ok) return response;
    const body = await readJson(response);
    if (response.status === 401 && !key)
      throw new ApiError(`${new URL(base).origin} needs an API key; ${KEY_HINT}`, body ?? undefined);
    if (tenant !== undefined && isForTenant && isUnknownTenant(body)) {
      throw new ApiError(describeUnknownTenant(tenant, await listTenantIds()), body);
    }
    throw toApiError(response.status, body);
  };
  const call = async (path: string, init: RequestInit, isForTenant = true): Promise<unknown> => {
    const body = await readJson(await request(path, init, isForTenant));
    if (body !== null) return body;
    throw new ApiError(
      `the response of ${new URL(base).origin} is not one of Tidings, but perhaps the page of a proxy; check TIDINGS_URL`,
    );
  };
  /** Returns the first ids of tenants in order; none for a caller that may not list them. */
  const listTenantIds = async (): Promise<string[]> => {
    try {
      const page = (await call(`/api/v1/tenants?limit=${MAX_LISTED_TENANTS}`, {}, false)) as {
        readonly tenants: readonly { readonly tenant_id: string; readonly status: string }[];
      };
      return page.tenants.filter(({ status }) => status !== 'deleting').map(({ tenant_id }) => tenant_id);
    } catch (error) {
      if (error instanceof ApiError) return [];
      throw error;
    }
  };
  const sendLines = async (method: 'PUT' | 'POST', path: string, lines: string) => {
    const headers = { 'content-type': 'application/x-ndjson' };
    return readLines(await request(path, { method, headers, body: lines }));
  };
  return {
    get: (path) => call(path, {}),
    getText: async (path) => (await request(path, {})).text(),
    post: (path, body, headers = {}) =>
      call(path, { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) }),
    putLines: (path, lines) => sendLines('PUT', path, lines),
    postLines: (path, lines) => sendLines('POST', path, lines),
    put: (path, body) => call(path, { method: 'PUT', body: JSON.stringify(body) }),
    patch: (path, body) => call(path, { method: 'PATCH', body: JSON.stringify(body) }),
    delete: (path) => call(path, { method: 'DELETE' }),
    async download(path, body) {
      const { body: content } = await request(path, { method: 'POST', body: JSON.stringify(body) });
      if (content) return content;
      throw new ApiError('the response has no content');
    },
  };
}

async function readLines(response: Response): Promise<readonly unknown[]> {
  return (await response.text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

async function readJson(response: Response): Promise<{ readonly [key: string]: unknown } | null> {
  return (await response.json().catch(() => null)) as { readonly [key: string]: unknown } | null;
}

/**
 * Throws for a path with a part that is empty, `.` or `..`: it would lead to another resource. `fetch` removes such parts, however
 * they are encoded, so an id from elsewhere could choose what is read.
 */
function requireWholePath(path: string): void {
  const [place = ''] = path.split('?');
  if (place === '/' || !place.slice(1).split('/').some(isUnaddressable)) return;
  throw new ApiError('an id that is empty, "." or ".." cannot be part of an address');
}

/** Whether a part of a path names no resource. */
function isUnaddressable(part: string): boolean {
  return /^\.{0,2}$/.test(part);
}

/** Whether a response says that there is no such tenant as the request names. */
function isUnknownTenant(
  body: { readonly [key: string]: unknown } | null,
): body is { readonly [key: string]: unknown } {
  const [error] = (Array.isArray(body?.errors) ? body.errors : []) as readonly { readonly pointer?: unknown }[];
  return body?.code === 'not_found' && error?.pointer === 'x-tidings-tenant';
}

function toApiError(status: number, body: unknown): ApiError {
  const problem = (body ?? {}) as { readonly [key: string]: unknown };
  const message = isProblemList(problem.errors) ? 'the catalog has errors' : String(problem.detail ?? status);
  // The results of an event that is rejected again.
  const [rejected] = (problem.rejected ?? []) as readonly { readonly path: string; readonly message: string }[];
  const again = rejected && `rejected again: ${rejected.path === '' ? '' : `${rejected.path}: `}${rejected.message}`;
  return new ApiError(again ?? message, problem);
}

/**
 * Returns the address of the configured Tidings without a slash at its end.
 * @throws ApiError if it is not valid; the value is not quoted, because it may hold a password
 */
export function getBaseUrl(env: { readonly [name: string]: string | undefined }): string {
  const name = env.TIDINGS_URL ? 'TIDINGS_URL' : 'PORT';
  const written = env.TIDINGS_URL || `http://localhost:${env.PORT || 8000}`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ApiError(
      `${name} is not valid; set TIDINGS_URL to the address of Tidings, such as http://localhost:8000`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new ApiError(
      'TIDINGS_URL holds a user or a password, which Tidings does not use; set TIDINGS_API_KEY instead',
    );
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}
