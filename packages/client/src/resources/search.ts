import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { CurrentProblems, SearchResults } from '../types.ts';

/** First looks: for one thing by an id, a name or an address, and at what is wrong at present. */
export class Search extends Resource {
  /** Finds users, events, notifications, deliveries, waits, rules, types and templates; some of each. */
  find(text: string, options?: CallOptions): Promise<SearchResults> {
    return this.request('post', '/api/v1/search', { body: { text } }, options);
  }

  /** Returns what is wrong at present, as far as the key may see it. */
  problems(options?: CallOptions): Promise<CurrentProblems> {
    return this.request('get', '/api/v1/problems', {}, options);
  }
}
