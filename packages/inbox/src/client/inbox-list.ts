import { matches } from './matches.ts';
import { type InboxProblem, toProblem } from './problem.ts';
import type { Counts, Filter, Item, Page } from './types.ts';

export interface ListState {
  /** The latest first. */
  readonly items: readonly Item[];
  readonly isLoading: boolean;
  /** Whether it was loaded at least once. */
  readonly isLoaded: boolean;
  readonly hasMore: boolean;
  /** Why it could not be loaded; null: it could. */
  readonly problem: InboxProblem | null;
}

/** The parts of the client that a list uses. */
export interface ListSource {
  loadPage(filter: Filter, limit: number, after: string | null): Promise<Page>;
  /** The item with the changes that the server has not confirmed yet. */
  withPending(item: Item): Item;
  forget(list: InboxList): void;
}

const MAX_PAGE = 100;
/** Items that a list keeps of what arrives while it is open, beside those that its reader asked for. */
const MAX_LIVE_ITEMS = 1000;
/** Items that are read anew after a reset. */
const MAX_RELOADED = 200;

/** Items of the inbox by a filter, which stay up to date. */
export class InboxList {
  readonly filter: Filter;
  readonly #source: ListSource;
  readonly #pageSize: number;
  readonly #listeners = new Set<(state: ListState) => void>();
  #items = new Map<string, Item>();
  /** Items that arrived while a page was loading, which may be older than they. */
  #arrived: Item[] | undefined;
  #next: string | null = null;
  /** Whether the end of what was loaded was dropped: the cursor leads to what is after it. */
  #isCut = false;
  #wanted = 0;
  #work: Promise<void> | undefined;
  #isStale = false;
  #state: ListState = { items: [], isLoading: false, isLoaded: false, hasMore: false, problem: null };

  constructor(source: ListSource, filter: Filter, pageSize: number) {
    this.#source = source;
    this.filter = filter;
    this.#pageSize = Math.min(pageSize, MAX_PAGE);
  }

  /** The same object until something changes. */
  get state(): ListState {
    return this.#state;
  }

  /** Calls the listener after each change. Returns how to end that. */
  subscribe(listener: (state: ListState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Loads the next page. */
  loadMore(): Promise<void> {
    if (this.#work) return this.#work;
    return this.#run(async () => {
      const last = this.#state.isLoaded ? this.#lastSequence() : Number.POSITIVE_INFINITY;
      let after = this.#isCut ? null : this.#next;
      for (;;) {
        const page = await this.#source.loadPage(this.filter, this.#isCut ? MAX_PAGE : this.#pageSize, after);
        for (const item of page.items) this.#put(item);
        after = page.next;
        const isPast = after === null || (page.items.at(-1)?.sequence ?? 0) < last;
        if (isPast) break;
      }
      this.#next = after;
      this.#isCut = false;
      this.#wanted = this.#items.size;
    });
  }

  /** Loads the newest items anew, as many as there are, up to 200. Those beyond stay. */
  reload(counts?: Counts): Promise<void> {
    if (this.#work) {
      this.#isStale = true;
      return this.#work;
    }
    return this.#run(async () => {
      const wanted = Math.min(Math.max(this.#items.size, this.#pageSize), MAX_RELOADED);
      const found: Item[] = [];
      let next: string | null = null;
      do {
        const limit = Math.min(wanted - found.length, MAX_PAGE);
        const page: Page = await this.#source.loadPage(this.filter, limit, next);
        found.push(...page.items);
        next = page.next;
      } while (next !== null && found.length < wanted);
      const lowest = next === null ? 0 : (found.at(-1)?.sequence ?? 0);
      const older = [...this.#items.values()].filter((item) => item.sequence < lowest);
      const marked = counts ? older.map((item) => toMarked(item, counts)) : older;
      this.#items = new Map([...found, ...marked].map((item) => [item.notification_id, item]));
      if (older.length === 0) {
        this.#next = next;
        this.#isCut = false;
      }
      this.#wanted = Math.max(this.#wanted, found.length);
    });
  }

  close(): void {
    this.#listeners.clear();
    this.#source.forget(this);
  }

  /** Takes a newer state of an item, or a new item. */
  apply(item: Item): void {
    this.#arrived?.push(item);
    if (this.#put(item)) this.#trim();
    this.emit();
  }

  /** Marks what it has, as the server did. */
  applyMark(what: 'read' | 'seen', upTo: number, time: string): void {
    for (const [id, item] of this.#items) {
      if (item.sequence > upTo) continue;
      const seen_at = item.seen_at ?? time;
      this.#items.set(id, what === 'read' ? { ...item, seen_at, read_at: item.read_at ?? time } : { ...item, seen_at });
    }
    this.emit();
  }

  emit(change: Partial<ListState> = {}): void {
    const now = Date.now();
    const items = [...this.#items.values()]
      .map((item) => this.#source.withPending(item))
      .filter((item) => matches(item, this.filter, now))
      .sort((a, b) => b.sequence - a.sequence);
    this.#state = { ...this.#state, ...change, items, hasMore: this.#next !== null || this.#isCut };
    for (const listener of this.#listeners) listener(this.#state);
  }

  async #run(work: () => Promise<void>): Promise<void> {
    this.#arrived = [];
    this.emit({ isLoading: true });
    this.#work = work();
    let problem: InboxProblem | null = null;
    try {
      await this.#work;
      for (const item of this.#arrived) this.#put(item);
    } catch (error) {
      problem = toProblem(error, 'bad_response');
    }
    this.#arrived = undefined;
    this.#work = undefined;
    this.emit({ isLoading: false, isLoaded: this.#state.isLoaded || !problem, problem });
    if (!this.#isStale) return;
    this.#isStale = false;
    await this.reload();
  }

  /** Keeps an item if it is newer than the known one, and in the range that is loaded. */
  #put(item: Item): boolean {
    const known = this.#items.get(item.notification_id);
    if (known ? known.change > item.change : this.#isBeyond(item)) return false;
    this.#items.set(item.notification_id, item);
    return true;
  }

  /** Whether an item comes after those that were loaded. While a page is loading, that is not known. */
  #isBeyond({ sequence }: Item): boolean {
    if (this.#work || (this.#next === null && !this.#isCut)) return false;
    return sequence < this.#lastSequence();
  }

  #lastSequence(): number {
    let last = Number.POSITIVE_INFINITY;
    for (const { sequence } of this.#items.values()) last = Math.min(last, sequence);
    return last;
  }

  /** Drops the oldest items, if too many arrived since its reader asked for some. */
  #trim(): void {
    const most = this.#wanted + MAX_LIVE_ITEMS;
    if (this.#items.size <= most) return;
    const newest = [...this.#items.values()].sort((a, b) => b.sequence - a.sequence).slice(0, most - this.#pageSize);
    this.#items = new Map(newest.map((item) => [item.notification_id, item]));
    this.#isCut = true;
  }
}

/** Nothing is unread, or unseen, any longer: so is not this item. */
function toMarked(item: Item, { unread, unseen }: Counts): Item {
  const read_at = unread === 0 ? (item.read_at ?? item.created_at) : item.read_at;
  return { ...item, read_at, seen_at: unseen === 0 ? (item.seen_at ?? item.created_at) : item.seen_at };
}
