import type { Call, CallOptions, Connection } from './connection.ts';

/** A page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The `after` of the next page; null: this is the last. */
  readonly next: string | null;
}

/** A list that is read page by page: all of it with `for await`, or one page with `page()`. */
export class Listing<Item> implements AsyncIterable<Item> {
  readonly #connection: Connection;
  readonly #path: string;
  readonly #field: string;
  readonly #query: object;
  readonly #options: CallOptions;

  /** @param field the field of the response that has the items */
  constructor(connection: Connection, path: string, field: string, query: object = {}, options: CallOptions = {}) {
    this.#connection = connection;
    this.#path = path;
    this.#field = field;
    this.#query = query;
    this.#options = options;
  }

  /** Reads the page that the query asks for, or the one after a cursor. */
  async page(after?: string): Promise<Page<Item>> {
    const query = { ...this.#query, ...(after === undefined ? {} : { after }) };
    const call: Call = { method: 'GET', path: this.#path, query };
    const { data } = await this.#connection.send<{ next?: string | null; [field: string]: unknown }>(
      call,
      this.#options,
    );
    return { items: data[this.#field] as Item[], next: data.next ?? null };
  }

  /** Reads all items, a page at a time: nothing is read before it is asked for. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    let after: string | undefined;
    do {
      const { items, next } = await this.page(after);
      yield* items;
      after = next ?? undefined;
    } while (after !== undefined);
  }
}
