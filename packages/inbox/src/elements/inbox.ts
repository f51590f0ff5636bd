import type { Filter, InboxList, Item, ItemAction, ListState } from '../client/inbox-client.ts';
import type { InboxText } from '../strings/inbox/en.ts';
import { INBOX_TEXTS } from '../strings/inbox/texts.ts';
import { arrange } from './arrange.ts';
import { h, linkButton, setAttribute } from './dom.ts';
import { type Context, TidingsElement } from './element.ts';
import { fillTemplate } from './item-template.ts';
import { type ItemHost, ItemView } from './item-view.ts';
import { type Choice, listSnoozes, Menu } from './menu.ts';
import { INBOX, SHARED } from './styles.ts';
import { parseTabs, type Tab } from './tabs.ts';

/** Makes an element: its tag, its attributes and what is in it. Texts stay texts. */
export type MakeElement = typeof h;
/** Returns the content of an item; undefined: it is shown as the others. */
export type RenderItem = (item: Item, make: MakeElement) => Node | undefined;

/** Time after which what is on the screen counts as seen. */
const SEEN_MS = 800;
const TICK_MS = 30_000;

/**
 * `<tidings-inbox>`: the list of notifications.
 *
 * Attributes: `tabs` (such as `all,unread,orders:category=TRANSACTIONAL`), `page-size`, `link-target`. Slots: `above-header`, `header`,
 * `below-header`, `empty`, `error`, `footer`, and `item`, a `<template>` with `data-text`, `data-href`, `data-src` and `data-if`.
 */
export class TidingsInbox extends TidingsElement<InboxText> {
  static readonly observedAttributes = ['tabs', 'page-size', 'link-target'];

  /** Returns the content of an item, in the place of the slot `item`. Set it before the first items are shown. */
  renderItem: RenderItem | undefined;

  readonly #menu = new Menu();
  readonly #views = new Map<string, ItemView>();
  readonly #open = new Set<string>();
  #own: Filter | undefined;
  #tabs: readonly Tab[] = [];
  #tab = 0;
  #list: InboxList | undefined;
  #isShown: boolean | undefined;
  #seenTimer: ReturnType<typeof setTimeout> | undefined;
  #parts = this.#draw();
  #observer: IntersectionObserver | undefined;
  #host: ItemHost | undefined;

  constructor() {
    super([SHARED, INBOX], INBOX_TEXTS);
    this.root.adoptedStyleSheets = [...this.root.adoptedStyleSheets, this.#menu.sheet];
    this.root.append(...this.#parts.all);
  }

  /** The filter of the list, in the place of that of the tab; undefined: that of the tab. */
  get filter(): Filter | undefined {
    return this.#own;
  }

  set filter(filter: Filter | undefined) {
    this.#own = filter;
    if (this.context) this.#openList();
  }

  /** The items that are shown. */
  get items(): readonly Item[] {
    return this.#list?.state.items ?? [];
  }

  /** Loads the list anew. */
  async refresh(): Promise<void> {
    await this.client?.refresh().catch(() => {});
  }

  /** Marks all items that have arrived so far as read. */
  async markAllRead(): Promise<void> {
    const upTo = this.items[0]?.sequence;
    if (!this.client || upTo === undefined || !this.emit('tidings-read', { all: true })) return;
    await this.#try(this.client.mark('read', upTo), this.context?.texts.get('marked-all'));
  }

  /** Opens an item, as a click does: marks it as read, and moves the focus to it. */
  open(id: string): void {
    const view = this.#views.get(id);
    if (!view) return;
    view.article.focus();
    view.article.click();
  }

  /** Whether it is on the screen: a bell calls it. What is not shown loads nothing, and nothing becomes seen. */
  setShown(isShown: boolean): void {
    this.#isShown = isShown;
    if (isShown && this.context && !this.#list) this.#openList();
    this.#planSeen();
  }

  override focus(options?: FocusOptions): void {
    const first = this.#parts.feed.querySelector<HTMLElement>('article');
    first?.focus(options);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#closeList();
    this.#menu.close(false);
    clearTimeout(this.#seenTimer);
  }

  protected override connect({ client, texts }: Context<InboxText>): void {
    const { title, markAll, more, retry, error, offline, feed } = this.#parts;
    this.#host = this.#makeHost();
    const shown = { title, more, retry, error, offline, 'mark-all': markAll };
    for (const [key, element] of Object.entries(shown)) element.textContent = texts.get(key as InboxText);
    feed.setAttribute('aria-label', texts.get('title'));
    this.#tabs = parseTabs(this.getAttribute('tabs') ?? 'all,unread,archived');
    this.#tab = Math.min(this.#tab, this.#tabs.length - 1);
    this.#drawTabs();
    this.#closeList();
    this.#isShown ??=
      !this.closest('tidings-bell') && (this.getRootNode() as ShadowRoot).host?.localName !== 'tidings-bell';
    const tick = setInterval(() => this.#tick(), TICK_MS);
    const onVisible = () => this.#planSeen();
    document.addEventListener('visibilitychange', onVisible);
    this.keep(
      client.on('state', () => this.#showState()),
      client.on('counts', () => this.#planSeen()),
      () => clearInterval(tick),
      () => document.removeEventListener('visibilitychange', onVisible),
      () => this.#closeList(),
    );
    this.#showState();
    if (this.#isShown) this.#openList();
  }

  #draw() {
    const title = h('h2', { id: 'title', part: 'heading' });
    const markAll = linkButton('mark-all', () => void this.markAllRead());
    const header = h('section', { part: 'header' }, title, markAll);
    const headerSlot = h('slot', { name: 'header' }, header);
    const tabs = h('div', {
      class: 'tabs',
      role: 'tablist',
      part: 'tabs',
      onkeydown: (event) => this.#onTabKey(event),
    });
    const offline = h('div', { class: 'notice offline', part: 'offline', role: 'status', hidden: true });
    const feed = h('div', {
      role: 'feed',
      id: 'feed',
      part: 'list',
      'aria-busy': 'false',
      onkeydown: (event) => this.#onFeedKey(event),
    });
    const more = linkButton('more', () => void this.#list?.loadMore());
    const empty = h('div', { class: 'center', part: 'empty', hidden: true }, h('slot', { name: 'empty' }));
    const error = h('span');
    const retry = linkButton('retry', () => void this.#list?.reload());
    const problem = h(
      'div',
      { class: 'notice problem', part: 'error', role: 'alert', hidden: true },
      h('slot', { name: 'error' }, error),
      retry,
    );
    const foot = h('div', { class: 'foot' }, more);
    const scroll = h(
      'div',
      { class: 'scroll', part: 'scroll', role: 'tabpanel', 'aria-labelledby': 'title' },
      problem,
      feed,
      empty,
      foot,
    );
    const live = h('span', { class: 'quiet', role: 'status', 'aria-live': 'polite' });
    const all = [
      h('slot', { name: 'above-header' }),
      headerSlot,
      h('slot', { name: 'below-header' }),
      tabs,
      offline,
      scroll,
      h('slot', { name: 'footer' }),
      this.#menu.element,
      live,
    ];
    return {
      all,
      title,
      markAll,
      tabs,
      offline,
      feed,
      more,
      empty,
      error,
      retry,
      problem,
      foot,
      scroll,
      live,
    };
  }

  #drawTabs(): void {
    const { tabs, scroll } = this.#parts;
    const { context } = this;
    tabs.hidden = this.#tabs.length < 2;
    scroll.setAttribute('role', tabs.hidden ? 'presentation' : 'tabpanel');
    tabs.setAttribute('aria-label', context?.texts.get('title') ?? '');
    tabs.replaceChildren(
      ...this.#tabs.map(({ name }, index) => {
        const isChosen = index === this.#tab;
        const label = context?.texts.find(`tab.${name}`) ?? name;
        const chosen = { role: 'tab', 'aria-selected': String(isChosen), tabindex: isChosen ? '0' : '-1' };
        return h('button', { type: 'button', part: 'tab', ...chosen, onclick: () => this.#chooseTab(index) }, label);
      }),
    );
  }

  #chooseTab(index: number): void {
    if (index !== this.#tab) {
      this.#tab = index;
      this.#own = undefined;
      this.#drawTabs();
      this.#openList();
    }
    (this.#parts.tabs.children[index] as HTMLElement | undefined)?.focus();
  }

  #onTabKey(event: KeyboardEvent): void {
    const isRtl = getComputedStyle(this).direction === 'rtl';
    const count = this.#tabs.length;
    const forward = isRtl ? 'ArrowLeft' : 'ArrowRight';
    const back = isRtl ? 'ArrowRight' : 'ArrowLeft';
    const to = { [forward]: this.#tab + 1, [back]: this.#tab - 1 + count, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#chooseTab(to % count);
  }

  /** The filter that the list has. */
  get #filter(): Filter {
    return this.#own ?? this.#tabs[this.#tab]?.filter ?? {};
  }

  #openList(): void {
    this.#closeList();
    const { client } = this;
    if (!client) return;
    const size = Number(this.getAttribute('page-size')) || 20;
    const list = client.list(this.#filter, Math.max(1, Math.min(size, 100)));
    this.#list = list;
    list.subscribe((state) => this.#show(state));
    this.#parts.scroll.scrollTop = 0;
    // The next page is loaded before its reader comes to the end.
    this.#observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting && list.state.hasMore && !list.state.isLoading && !list.state.problem)
          void list.loadMore();
      },
      { rootMargin: '300px' },
    );
    this.#observer.observe(this.#parts.foot);
    void list.loadMore();
  }

  #closeList(): void {
    this.#observer?.disconnect();
    this.#list?.close();
    this.#list = undefined;
    for (const view of this.#views.values()) view.article.remove();
    this.#views.clear();
  }

  #show(state: ListState): void {
    const { context } = this;
    const { feed, more, empty, problem, markAll } = this.#parts;
    if (!context) return;
    const { items, isLoading, isLoaded, hasMore } = state;
    setAttribute(feed, 'aria-busy', String(isLoading));
    problem.hidden = state.problem === null;
    more.hidden = !hasMore || !isLoaded;
    this.#showItems(items, hasMore);
    empty.hidden = !isLoaded || items.length > 0 || hasMore;
    const { view, category, notification_type: type } = this.#filter;
    const slot = empty.firstElementChild as HTMLSlotElement;
    if (slot.assignedNodes().length === 0)
      slot.textContent = context.texts.get(view === 'unread' ? 'empty.unread' : 'empty');
    const isWhole = category === undefined && type === undefined;
    markAll.hidden = !isWhole || !items.some((item) => item.read_at === null);
    this.#planSeen();
    this.#observeFoot();
  }

  /** An observer says only what changes: a page that fills no screen is followed by the next one. */
  #observeFoot(): void {
    const { foot } = this.#parts;
    if (this.#list?.state.isLoading || !this.#list?.state.hasMore) return;
    this.#observer?.unobserve(foot);
    this.#observer?.observe(foot);
  }

  /** Adds, moves and removes articles, as few as possible: the others keep focus, selection and place. */
  #showItems(items: readonly Item[], hasMore: boolean): void {
    const { feed } = this.#parts;
    const rows = arrange(items, this.#open);
    const shown = new Set(rows.map(({ item }) => item.notification_id));
    const focused = this.root.activeElement?.closest('article');
    for (const [id, view] of this.#views) {
      if (shown.has(id)) continue;
      const next = view.article.nextElementSibling ?? view.article.previousElementSibling;
      view.article.remove();
      this.#views.delete(id);
      // The focus goes on to the neighbor, and not to the beginning of the page.
      if (view.article === focused)
        ((next as HTMLElement | null) ?? this.#parts.tabs.querySelector<HTMLElement>('[tabindex="0"]'))?.focus();
    }
    let before: Element | null = null;
    rows.forEach(({ item, others, isOpen, isChild }, index) => {
      let view = this.#views.get(item.notification_id);
      if (!view) {
        view = new ItemView(item, this.#host as ItemHost);
        this.#views.set(item.notification_id, view);
      } else if (view.item !== item) view.update(item);
      view.place({ index, size: hasMore ? -1 : rows.length, others, isOpen, isChild });
      const place: Element | null = before ? before.nextElementSibling : feed.firstElementChild;
      if (place !== view.article) feed.insertBefore(view.article, place);
      before = view.article;
    });
  }

  #makeHost(): ItemHost {
    const { texts, locale } = this.context as Context<InboxText>;
    return {
      texts,
      locale,
      target: this.getAttribute('link-target'),
      onClick: (item, event) => this.#onItemClick(item, event),
      onAction: (item, index, event) => this.#onAction(item, index, event),
      onMenu: (item, button) => this.#openMenu(item, button),
      onUnfold: (group, isOpen) => {
        if (isOpen) this.#open.add(group);
        else this.#open.delete(group);
        if (this.#list) this.#show(this.#list.state);
      },
      render: (item) => this.#render(item),
    };
  }

  /** Content of the page, in its own style: a child of this element, shown by a slot. */
  #render(item: Item): Node | undefined {
    const template = this.querySelector<HTMLTemplateElement>('template[slot=item]');
    const content = this.renderItem?.(item, h) ?? (template ? fillTemplate(template, item) : undefined);
    if (!content) return undefined;
    const name = `item-${item.notification_id}`;
    this.querySelector(`:scope > [slot="${name}"]`)?.remove();
    this.append(h('div', { slot: name }, content));
    return h('slot', { name });
  }

  #onItemClick(item: Item, event: Event): void {
    if (!this.emit('tidings-item-click', { item })) event.preventDefault();
    if (item.read_at === null) void this.#act(item, 'read', undefined);
  }

  #onAction(item: Item, index: number, event: Event): void {
    if (!this.emit('tidings-action', { item, action: item.message?.actions?.[index], index })) event.preventDefault();
    if (item.read_at === null) void this.#act(item, 'read', undefined);
  }

  #openMenu(item: Item, button: HTMLElement): void {
    const { texts } = this.context as Context<InboxText>;
    const choice = (label: InboxText, action: ItemAction, until?: Date): Choice => ({
      label: texts.get(label),
      run: () => void this.#act(item, action, until, texts.get(label)),
    });
    const isSnoozed = item.snoozed_until !== null && Date.parse(item.snoozed_until) > Date.now();
    const choices = [
      item.read_at === null ? choice('read', 'read') : choice('mark-unread', 'unread'),
      item.archived_at === null ? choice('archive', 'archive') : choice('unarchive', 'unarchive'),
      ...(isSnoozed
        ? [choice('unsnooze', 'unsnooze')]
        : item.archived_at === null
          ? listSnoozes(new Date()).map(([key, until]) => choice(`snooze.${key}`, 'snooze', until))
          : []),
    ];
    this.#menu.open(button, button.getAttribute('aria-label') ?? '', choices);
  }

  /** Changes an item, says so, and says if it failed. */
  async #act(item: Item, action: ItemAction, until?: Date, what?: string): Promise<void> {
    const name = action.replace('un', '');
    if (!this.emit(`tidings-${name}`, { item, action, until: until ?? null }) || !this.client) return;
    await this.#try(this.client.act(item, action, until), what && this.context?.texts.get('done', { what }));
  }

  async #try(work: Promise<unknown>, said: string | undefined): Promise<void> {
    try {
      await work;
      if (said) this.#say(said);
    } catch {
      this.#say(this.context?.texts.get('failed') ?? '');
    }
  }

  #say(text: string): void {
    this.#parts.live.textContent = text;
  }

  #showState(): void {
    this.#parts.offline.hidden = this.client?.state !== 'offline';
  }

  /** Marks what was on the screen for a moment as seen. */
  #planSeen(): void {
    const { client } = this;
    const isSeen = () => this.#isShown && this.checkVisibility() && document.visibilityState === 'visible';
    if (this.#seenTimer !== undefined || !isSeen() || !client?.counts?.unseen || this.items.length === 0) return;
    this.#seenTimer = setTimeout(() => {
      this.#seenTimer = undefined;
      const upTo = this.#list?.state.items[0]?.sequence;
      if (isSeen() && upTo !== undefined && this.items.some((item) => item.seen_at === null)) {
        void client.mark('seen', upTo).catch(() => {});
      }
    }, SEEN_MS);
  }

  #onFeedKey(event: KeyboardEvent): void {
    const articles = [...this.#parts.feed.children] as HTMLElement[];
    const at = articles.indexOf((event.target as Element).closest('article') as HTMLElement);
    if (event.key === 'Enter' && event.target === articles[at]) {
      event.preventDefault();
      articles[at]?.click();
      return;
    }
    const to = { PageDown: at + 1, PageUp: at - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    articles[to]?.focus();
    articles[to]?.scrollIntoView({ block: 'nearest' });
  }

  #tick(): void {
    const now = Date.now();
    for (const view of this.#views.values()) view.tick(now);
  }
}
