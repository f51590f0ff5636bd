import type { Call, CallOptions, Connection } from './connection.ts';
import { keepEtag } from './etag.ts';
import { Listing } from './listing.ts';
import type { Input, MethodOf, Path, Result } from './operation.ts';
import type { paths } from './types.ts';

interface Parts {
  readonly path?: object;
  readonly query?: object;
  readonly body?: unknown;
}

type ItemOf<Page, Field extends keyof Page> = Page[Field] extends readonly (infer Item)[] ? Item : never;

/** Base of the resources: their methods name a path of the OpenAPI document, which says what they take and return. */
export abstract class Resource {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  protected async request<P extends Path, M extends MethodOf<P>>(
    method: M,
    path: P,
    input: Input<paths[P][M]>,
    options?: CallOptions,
    alsoResult?: Call['alsoResult'],
  ): Promise<Result<paths[P][M]>> {
    const { path: values, query, body } = input as Parts;
    const call: Call = {
      method: method.toUpperCase() as Call['method'],
      path: fillPath(path, values),
      query,
      body: body ?? undefined,
      alsoResult,
    };
    const { data, etag } = await this.#connection.send<Result<paths[P][M]>>(call, options);
    keepEtag(data, etag);
    return data;
  }

  /** Sends lines of JSON; returns those of the response. */
  protected async sendLines(
    path: Path,
    { path: values, query }: Parts,
    ndjson: string,
    options?: CallOptions,
    method: 'PUT' | 'POST' = 'PUT',
  ): Promise<readonly unknown[]> {
    const call: Call = { method, path: fillPath(path, values), query, ndjson };
    return (await this.#connection.send<{ readonly lines?: readonly unknown[] }>(call, options)).data.lines ?? [];
  }

  /** @param field the field of the response that has the items */
  protected pages<P extends Path, Field extends keyof Result<paths[P]['get']> & string>(
    path: P,
    field: Field,
    input: Input<paths[P]['get']>,
    options?: CallOptions,
  ): Listing<ItemOf<Result<paths[P]['get']>, Field>> {
    const { path: values, query } = input as Parts;
    return new Listing(this.#connection, fillPath(path, values), field, query, options);
  }
}

/**
 * Returns a path with its parameters encoded.
 * @throws RangeError for a parameter that no address can have: an empty one would name another resource, and so would `.` and `..`
 */
function fillPath(path: string, values: object = {}): string {
  return path.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = String((values as Record<string, unknown>)[name] ?? '');
    if (/^\.{0,2}$/.test(value)) throw new RangeError(`${name} is "${value}", which cannot be part of an address.`);
    return encodeURIComponent(value);
  });
}
