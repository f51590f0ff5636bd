import type { TestServer } from './http.ts';

/** Key of the environment in tests of API keys. */
export const ROOT_KEY = 'the-key-of-the-environment';

export function bearer(key: string, others: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${key}`, ...others };
}

export interface Issued {
  /** The text. */
  readonly key: string;
  readonly key_id: string;
}

/** Creates a key over the API. @param by the key that creates it @throws Error unless it is created */
export async function createKey(
  api: TestServer,
  body: object = {},
  { by = ROOT_KEY, tenant = 'default' }: { by?: string; tenant?: string } = {},
): Promise<Issued> {
  const headers = bearer(by, by === ROOT_KEY ? { 'x-tidings-tenant': tenant } : {});
  const answer = await api.post('/api/v1/keys', { name: 'test', scopes: ['users:read'], ...body }, headers);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

/** Returns the status and the code of a request with a key: `[200]`, `[401, 'unauthorized']`. */
export async function tryKey(api: TestServer, key: string, path = '/api/v1/users'): Promise<(number | string)[]> {
  const { status, body } = await api.get(path, bearer(key));
  return status < 400 ? [status] : [status, body.code];
}

/** Calls until a result is as wanted, for at most ten seconds; returns the last result. */
export async function until<T>(work: () => Promise<T>, isWanted: (result: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const result = await work();
    if (isWanted(result) || tries === 400) return result;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
