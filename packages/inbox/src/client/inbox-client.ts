import type { ConnectionOptions } from './connection.ts';
import { Hub } from './hub.ts';
import { InboxList, type ListSource } from './inbox-list.ts';
import { PreferencesClient } from './preferences-client.ts';
import { type InboxProblem, toProblem } from './problem.ts';
import type { StreamEvent, StreamState } from './stream.ts';
import { readOwner } from './token.ts';
import type { Counts, Filter, Item, ItemAction, Page } from './types.ts';

export type { ConnectionOptions } from './connection.ts';
export type { InboxList, ListState } from './inbox-list.ts';
export { InboxProblem } from './problem.ts';
export type { StreamState } from './stream.ts';
export type { GetToken, Token } from './token.ts';
export type {
  Action,
  Cell,
  ChosenCell,
  Counts,
  Filter,
  Item,
  ItemAction,
  Message,
  Page,
  PreferenceChange,
  Preferences,
  TypePreferences,
  View,
} from './types.ts';

export interface InboxClientOptions extends ConnectionOptions {
  /** False: this page has a stream of its own. Default: one for all pages of the browser. */
  readonly share?: boolean;
}

/** Events of a client, and what their listeners get. */
export type InboxEvents = {
  /** The server has counted anew. */
  counts: Counts;
  /** An item has arrived. */
  arrival: Item;
  /** An item has arrived or changed. */
  item: Item;
  state: StreamState;
  problem: InboxProblem;
};

/** Items that a look without a stream takes for new ones, at most. */
const POLLED_ITEMS = 10;
const MAX_TIMER_MS = 24 * 3_600_000;
/** Time for which resets are collected: all pages of a browser list again. */
const RESET_MS = 200;

/**
 * The inbox of a user, without a user interface. Counts are those of the server alone; changes are shown at once, and taken back if the
 * server rejects them.
 */
export class InboxClient extends PreferencesClient<InboxEvents> implements ListSource {
  readonly #isShared: boolean;
  readonly #lists = new Set<InboxList>();
  /** Changes that the server has not confirmed yet, by item, in their order. */
  readonly #pending = new Map<string, Change[]>();
  readonly #queues = new Map<string, Promise<unknown>>();
  #hub: Hub | undefined;
  #counts: Counts | null = null;
  #state: StreamState = 'stopped';
  /** Number of the latest change that the counts have. */
  #position = -1;
  /** Number of the change up to which every list is complete: the stream goes on from it. */
  #resume: number | null = null;
  #starting: Promise<void> | undefined;
  #stop = new AbortController();
  #staleTimer: ReturnType<typeof setTimeout> | undefined;
  #resetTimer: ReturnType<typeof setTimeout> | undefined;

  constructor({ share = true, ...options }: InboxClientOptions) {
    super(options);
    this.#isShared = share;
  }

  /** Numbers of the inbox; null: they are not known yet. */
  get counts(): Counts | null {
    return this.#counts;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Loads the counts, and stays up to date until `stop`. May be called again. */
  override start(): Promise<void> {
    this.#starting ??= this.#start(this.#stop.signal);
    return this.#starting;
  }

  override stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#starting = undefined;
    this.#hub?.stop();
    this.#hub = undefined;
    clearTimeout(this.#staleTimer);
    clearTimeout(this.#resetTimer);
    this.#resetTimer = undefined;
    this.#setState('stopped');
  }

  /** Returns a list, which stays up to date until it is closed. Call its `loadMore` for the first page. */
  list(filter: Filter = {}, pageSize = 20): InboxList {
    const list = new InboxList(this, filter, pageSize);
    this.#lists.add(list);
    return list;
  }

  /** Counts again, and loads every list anew. @throws InboxProblem */
  async refresh(): Promise<void> {
    const { counts } = await this.loadPage({}, 1, null);
    await Promise.all([...this.#lists].map((list) => list.reload(counts)));
  }

  /**
   * Changes an item. It is shown at once, and taken back if it fails.
   * @param until for `snooze`: until when
   * @throws InboxProblem
   */
  act(item: Pick<Item, 'notification_id'>, action: ItemAction, until?: Date): Promise<Item> {
    const id = item.notification_id;
    const change = toChange(action, until);
    this.#pending.set(id, [...(this.#pending.get(id) ?? []), change]);
    this.#emitLists();
    const before = this.#queues.get(id) ?? Promise.resolve();
    // In their order: of two at the same time the server would take either as the last.
    const done = before
      .then(() => this.#send(id, action, until))
      .finally(() => {
        const others = (this.#pending.get(id) ?? []).filter((one) => one !== change);
        if (others.length > 0) this.#pending.set(id, others);
        else this.#pending.delete(id);
        this.#emitLists();
      });
    const settled = done.catch(() => {});
    this.#queues.set(id, settled);
    void settled.then(() => {
      if (this.#queues.get(id) === settled) this.#queues.delete(id);
    });
    return done;
  }

  /** Marks all items, or those up to a sequence, as read or as seen. @throws InboxProblem */
  async mark(what: 'read' | 'seen', upTo?: number): Promise<void> {
    const body = upTo === undefined ? undefined : { up_to: upTo };
    const path = `/inbox/${what}-all`;
    const { counts } = await this.request<{ counts: Counts }>('POST', path, body);
    this.#setCounts(counts);
    const time = new Date().toISOString();
    for (const list of this.#lists) list.applyMark(what, upTo ?? Number.POSITIVE_INFINITY, time);
  }

  async loadPage(filter: Filter, limit: number, after: string | null): Promise<Page> {
    const query = new URLSearchParams({ limit: String(limit) });
    for (const [name, value] of Object.entries({ ...filter, after })) if (value) query.set(name, value);
    const page = await this.request<Page>('GET', `/inbox?${query}`);
    const { position } = page.counts;
    if (this.#resume === null || (this.#resume > position && this.#state !== 'live')) this.#resume = position;
    this.#setCounts(page.counts);
    return page;
  }

  withPending(item: Item): Item {
    let changed = item;
    for (const change of this.#pending.get(item.notification_id) ?? []) changed = { ...changed, ...change(changed) };
    return changed;
  }

  forget(list: InboxList): void {
    this.#lists.delete(list);
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.#setState('connecting');
    let owner: string | undefined;
    try {
      owner = readOwner(await this.connection.tokens.get());
    } catch (error) {
      this.emit('problem', toProblem(error, 'no_token'));
    }
    if (signal.aborted) return;
    const hub = new Hub(this.connection, {
      onEvent: (event) => this.#onEvent(event),
      onState: (state) => {
        this.#setState(state);
        if (state === 'live') this.#catchUp();
      },
      onProblem: (problem) => this.emit('problem', problem),
      poll: () => this.#poll(),
      getPosition: () => this.#resume,
    });
    this.#hub = hub;
    globalThis.addEventListener?.('online', () => hub.restart(), { signal });
    globalThis.addEventListener?.('offline', () => this.#setState('offline'), { signal });
    globalThis.document?.addEventListener('visibilitychange', () => hub.wake(), { signal });
    // Listens before anything is loaded, so that no later change is missed.
    hub.listen(this.#isShared ? owner : undefined);
    const loaded = [...this.#lists].filter(({ state }) => state.isLoaded);
    await Promise.allSettled([this.loadPage({}, 1, null), ...loaded.map((list) => list.reload())]);
    if (!signal.aborted) hub.start();
  }

  async #send(id: string, action: ItemAction, until?: Date): Promise<Item> {
    const body = until && { until: until.toISOString() };
    const item = await this.request<Item>('POST', `/inbox/${encodeURIComponent(id)}/${action}`, body);
    this.#putItem(item);
    // Without a stream the counts have to be asked for.
    if (this.#state !== 'live') void this.loadPage({}, 1, null).catch(() => {});
    return item;
  }

  /** Loads what failed, now that the server answers, and what changed before the stream began. */
  #catchUp(): void {
    for (const list of this.#lists) if (list.state.problem) void list.reload();
    if (this.#resume === null) void this.refresh().catch(() => {});
  }

  /** Looks for changes without a stream. */
  async #poll(): Promise<void> {
    const before = this.#resume ?? Number.POSITIVE_INFINITY;
    const { items, counts } = await this.loadPage({}, POLLED_ITEMS, null);
    await Promise.all([...this.#lists].map((list) => list.reload(counts)));
    this.#resume = counts.position;
    for (const item of items.toReversed()) if (item.sequence > before) this.emit('arrival', item);
  }

  #onEvent({ event, id, data }: StreamEvent): void {
    const before = this.#resume ?? 0;
    this.#resume = event === 'reset' ? id : Math.max(before, id);
    if (event === 'item') {
      const item = data as Item;
      this.#putItem(item);
      if (item.change === item.sequence && item.sequence > before) this.emit('arrival', item);
    } else if (event === 'counts') this.#setCounts(data as Counts);
    else if (event === 'reset') {
      // The numbers may begin anew, in a database that was restored.
      this.#position = -1;
      this.#resetTimer ??= setTimeout(() => {
        this.#resetTimer = undefined;
        void this.refresh().catch(() => {});
      }, RESET_MS);
    }
  }

  #putItem(item: Item): void {
    for (const list of this.#lists) list.apply(item);
    this.emit('item', item);
  }

  #setCounts(counts: Counts): void {
    const known = this.#counts;
    if (counts.position < this.#position && known) return;
    this.#position = counts.position;
    this.#counts = counts;
    clearTimeout(this.#staleTimer);
    if (counts.stale_in !== null && this.#starting) {
      const later = Math.min(counts.stale_in * 1000 + 500, MAX_TIMER_MS);
      this.#staleTimer = setTimeout(() => void this.refresh().catch(() => {}), later);
    }
    if (known?.unread !== counts.unread || known.unseen !== counts.unseen) this.emit('counts', counts);
  }

  #setState(state: StreamState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }

  #emitLists(): void {
    for (const list of this.#lists) list.emit();
  }
}

/** Fields that a change gives an item. */
type Change = (item: Item) => Partial<Item>;

/** Returns what an action does to an item, as the server does it: what has a time keeps its first. */
function toChange(action: ItemAction, until: Date | undefined): Change {
  const now = new Date().toISOString();
  return (item) => {
    const seen_at = item.seen_at ?? now;
    return {
      read: { read_at: item.read_at ?? now, seen_at },
      unread: { read_at: null },
      seen: { seen_at },
      archive: { archived_at: item.archived_at ?? now, seen_at },
      unarchive: { archived_at: null },
      snooze: { snoozed_until: until?.toISOString() ?? null, seen_at },
      unsnooze: { snoozed_until: null },
    }[action];
  };
}
