import { isCatalogProblems } from './problems.ts';

/** A running Tidings, as the commands that ask it see it. */
export interface Api {
  get(path: string): Promise<unknown>;
  post(path: string, body: object): Promise<unknown>;
}

/** What the API answered, or that nobody answered: for people, without a stack. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The problem document (RFC 9457), where there is one. */
  readonly problem: { readonly [key: string]: unknown } | undefined;

  constructor(message: string, problem?: { readonly [key: string]: unknown }) {
    super(message);
    this.problem = problem;
  }
}

/** @param env TIDINGS_URL (http://localhost:8000 unless PORT says otherwise), TIDINGS_API_KEY */
export function connect(env: { readonly [name: string]: string | undefined }): Api {
  const base = baseOf(env);
  const key = (env.TIDINGS_API_KEY ?? env.TIDINGS_API_KEYS)?.split(',')[0]?.trim();
  const call = async (path: string, init: RequestInit): Promise<unknown> => {
    let response: Response;
    try {
      response = await fetch(base + path, {
        ...init,
        redirect: 'error',
        headers: {
          ...(init.body ? { 'content-type': 'application/json' } : {}),
          ...(key ? { authorization: `Bearer ${key}` } : {}),
        },
      });
    } catch {
      throw new ApiError(`no Tidings answers at ${new URL(base).origin}; start one (npm start), or set TIDINGS_URL`);
    }
    const answer: unknown = await response.json().catch(() => null);
    if (response.ok) return answer;
    const problem = (answer ?? {}) as { readonly [key: string]: unknown };
    const said = isCatalogProblems(problem.problems)
      ? 'the catalog has mistakes'
      : String(problem.detail ?? response.status);
    throw new ApiError(said, problem);
  };
  return {
    get: (path) => call(path, {}),
    post: (path, body) => call(path, { method: 'POST', body: JSON.stringify(body) }),
  };
}

/** Where Tidings is, without a slash at the end. What cannot be used is not repeated: it may hold a password. */
function baseOf(env: { readonly [name: string]: string | undefined }): string {
  const name = env.TIDINGS_URL ? 'TIDINGS_URL' : 'PORT';
  const written = env.TIDINGS_URL || `http://localhost:${env.PORT || 8000}`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ApiError(`${name} does not make a URL; write TIDINGS_URL as http://localhost:8000`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new ApiError(
      'TIDINGS_URL holds a user or a password, which Tidings does not know; set TIDINGS_API_KEY instead',
    );
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}
