import { InboxProblem, readProblem, toProblem } from './problem.ts';
import { type GetToken, TokenSource } from './token.ts';

export interface ConnectionOptions {
  /** URL of Tidings, such as `https://tidings.example.com`. */
  readonly api: string;
  readonly getToken: GetToken;
  /** Tenant, for tokens of an issuer that several tenants share. */
  readonly tenant?: string;
  readonly fetch?: typeof fetch;
}

const REQUEST_MS = 30_000;

/** Requests to `/api/v1/me` with the token of the user. */
export class Connection {
  readonly tokens: TokenSource;
  readonly tenant: string | undefined;
  readonly #base: string;
  readonly #fetch: typeof fetch;

  constructor({ api, getToken, tenant, fetch: own }: ConnectionOptions) {
    this.#base = `${api.replace(/\/+$/, '')}/api/v1/me`;
    this.#fetch = own ?? ((...call) => fetch(...call));
    this.tenant = tenant;
    this.tokens = new TokenSource(getToken);
  }

  get base(): string {
    return this.#base;
  }

  /** Sends a request, once more with a new token if the first is not admitted. @throws InboxProblem */
  async open(path: string, init: RequestInit, headers: Record<string, string> = {}): Promise<Response> {
    for (let isRepeated = false; ; isRepeated = true) {
      const token = await this.tokens.get();
      const all = { ...headers, authorization: `Bearer ${token}` } as Record<string, string>;
      if (this.tenant !== undefined) all['x-tidings-tenant'] = this.tenant;
      let response: Response;
      try {
        response = await this.#fetch(this.#base + path, {
          ...init,
          headers: all,
          credentials: 'omit',
          cache: 'no-store',
        });
      } catch (error) {
        throw toProblem(error, 'offline');
      }
      if (response.ok) return response;
      const problem = await readProblem(response);
      if (problem.status !== 401) throw problem;
      this.tokens.reject(token);
      if (isRepeated) throw problem;
    }
  }

  /** @throws InboxProblem */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const init: RequestInit = { method, signal: AbortSignal.timeout(REQUEST_MS) };
    if (body !== undefined) init.body = JSON.stringify(body);
    const response = await this.open(path, init, body === undefined ? {} : { 'content-type': 'application/json' });
    try {
      return (await response.json()) as T;
    } catch {
      throw new InboxProblem('bad_response', 'not JSON', response.status);
    }
  }
}
