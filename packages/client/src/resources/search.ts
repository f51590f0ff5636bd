import type { CallOptions } from '../connection.ts';
import { Resource } from '../resource.ts';
import type { CurrentProblems, SearchResults } from '../types.ts';

/** What people begin with: one thing of which they have an id, a name or an address, and what is wrong at present. */
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
