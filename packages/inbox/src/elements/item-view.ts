import type { Item } from '../client/inbox-client.ts';
import type { InboxText } from '../strings/inbox/en.ts';
import { formatFullTime, formatTime, type Texts } from '../strings/texts.ts';
import { h, linkButton, SIGNS, setAttribute, sign, toPictureUrl, toSafeUrl } from './dom.ts';
import { renderMarkdown, toPlain } from './markdown.ts';

const MAX_ACTIONS = 3;

/** The list that shows an item, as the item needs it. */
export interface ItemHost {
  readonly texts: Texts<InboxText>;
  readonly locale: string;
  /** Value of `target` of links. */
  readonly target: string | null;
  /** A click on the item, its title or a link in it. */
  onClick(item: Item, event: Event): void;
  onAction(item: Item, index: number, event: Event): void;
  onMenu(item: Item, button: HTMLElement): void;
  onUnfold(group: string, isOpen: boolean): void;
  /** Returns content of the page for an item; undefined: it is shown as the others. */
  render(item: Item): Node | undefined;
}

/** Place of an item among those that are shown. */
export interface Placing {
  readonly index: number;
  /** Number of items; -1: it is not known. */
  readonly size: number;
  /** Items of the same thread that are folded below it, or can be. */
  readonly others: number;
  readonly isOpen: boolean;
  readonly isChild: boolean;
}

let ids = 0;

/** The article of an item. It stays the same element while the item changes, so the focus stays where it is. */
export class ItemView {
  readonly article: HTMLElement;
  item: Item;
  readonly #host: ItemHost;
  readonly #id = `i${ids++}`;
  readonly #lead = h('div', { class: 'lead' });
  readonly #main = h('div', { class: 'main', part: 'main' });
  readonly #time = h('time', { part: 'time' });
  readonly #until = h('div', { class: 'until' });
  readonly #group = linkButton('group');
  readonly #menu: HTMLButtonElement;
  readonly #title: string;
  #placing = '';

  constructor(item: Item, host: ItemHost) {
    this.item = item;
    this.#host = host;
    const { texts } = host;
    const { message } = item;
    this.#title =
      message?.title || message?.subject || toPlain(message?.text ?? '').slice(0, 80) || texts.get('unreadable');
    this.#menu = h('button', {
      type: 'button',
      class: 'menu-button',
      part: 'menu-button',
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      'aria-label': texts.get('menu', { title: this.#title }),
      onclick: () => host.onMenu(this.item, this.#menu),
    });
    this.#menu.append(sign('⋮'));
    this.#group.addEventListener('click', () => {
      if (item.group !== null) host.onUnfold(item.group, this.#group.getAttribute('aria-expanded') !== 'true');
    });
    this.article = h('article', {
      tabindex: '0',
      part: 'item',
      'aria-labelledby': `${this.#id}-title`,
      'aria-describedby': `${this.#id}-body`,
    });
    this.article.append(this.#lead, this.#main, this.#menu);
    this.article.addEventListener('click', (event) => this.#onClick(event));
    this.#fill();
    this.update(item);
  }

  /** Shows what has changed of the item. */
  update(item: Item): void {
    this.item = item;
    const { texts, locale } = this.#host;
    const isUnread = item.read_at === null;
    this.article.className = `${item.severity}${isUnread ? ' unread' : ''}${item.url ? ' clickable' : ''}${this.article.classList.contains('child') ? ' child' : ''}`;
    setAttribute(this.article, 'part', isUnread ? 'item item-unread' : 'item');
    const mark = this.#lead.querySelector('.mark');
    if (isUnread && !mark)
      this.#lead.prepend(
        h('span', { class: 'mark', part: 'unread-mark', role: 'img', 'aria-label': texts.get('tab.unread') }),
      );
    else if (!isUnread) mark?.remove();
    const until = item.snoozed_until === null ? undefined : new Date(item.snoozed_until);
    const isSnoozed = until !== undefined && until.getTime() > Date.now();
    this.#until.hidden = !isSnoozed;
    if (isSnoozed) this.#until.textContent = texts.get('snoozed-until', { time: formatFullTime(until, locale) });
  }

  place(placing: Placing): void {
    const key = Object.values(placing).join();
    if (key === this.#placing) return;
    this.#placing = key;
    const { index, size, others, isOpen, isChild } = placing;
    setAttribute(this.article, 'aria-posinset', index + 1);
    setAttribute(this.article, 'aria-setsize', size);
    this.article.classList.toggle('child', isChild);
    this.#group.hidden = others === 0;
    if (others === 0) return;
    const { texts } = this.#host;
    this.#group.textContent = isOpen ? texts.get('less') : texts.count('fold', others);
    this.#group.setAttribute('aria-expanded', String(isOpen));
  }

  /** Shows how long ago it arrived. */
  tick(now: number): void {
    const time = new Date(this.item.created_at);
    const text = formatTime(time, this.#host.locale, now);
    if (this.#time.textContent !== text) this.#time.textContent = text;
  }

  #fill(): void {
    const { item } = this;
    const { texts, locale } = this.#host;
    const created = new Date(item.created_at);
    setAttribute(this.#time, 'datetime', item.created_at);
    setAttribute(this.#time, 'title', formatFullTime(created, locale));
    this.tick(Date.now());
    const picture = toPictureUrl(item.icon);
    if (picture)
      this.#lead.append(
        h('img', { src: picture, alt: '', loading: 'lazy', referrerpolicy: 'no-referrer', part: 'avatar' }),
      );
    const isOrdinary = item.severity === 'info';
    if (!isOrdinary) this.#lead.append(sign(SIGNS[item.severity], 'severity'));
    const own = this.#host.render(item);
    const title = h('h3', { id: `${this.#id}-title`, part: 'title' }, this.#renderTitle());
    if (!isOrdinary) title.prepend(h('span', { class: 'quiet' }, `${texts.get(`severity.${item.severity}`)}: `));
    if (own) {
      title.className = 'quiet';
      this.#main.append(title, h('div', { id: `${this.#id}-body`, class: 'body' }, own));
    } else this.#main.append(title, this.#renderBody());
    this.#main.append(this.#time, this.#until, this.#renderActions(), this.#group);
    this.#group.hidden = true;
  }

  #renderTitle(): Node {
    const href = toSafeUrl(this.item.url);
    if (href === undefined) return document.createTextNode(this.#title);
    return h('a', { href, part: 'title-link', rel: 'noopener noreferrer', ...this.#target }, this.#title);
  }

  get #target() {
    const { target } = this.#host;
    return target === null ? {} : { target };
  }

  #renderBody(): HTMLElement {
    const { texts } = this.#host;
    const { message } = this.item;
    const body = h('div', { id: `${this.#id}-body`, class: 'body', part: 'body' });
    if (!message) return body;
    const hasTitle = Boolean(message.title || message.subject);
    const fold = { more: (count: number) => texts.count('fold', count), less: texts.get('less') };
    if (hasTitle || toPlain(message.text).length > this.#title.length) body.append(renderMarkdown(message.text, fold));
    for (const link of body.querySelectorAll('a'))
      for (const [name, value] of Object.entries(this.#target)) link.setAttribute(name, value);
    const picture = toPictureUrl(message.image);
    if (picture)
      body.append(h('img', { src: picture, alt: '', loading: 'lazy', referrerpolicy: 'no-referrer', part: 'image' }));
    return body;
  }

  #renderActions(): HTMLElement {
    const row = h('div', { class: 'actions', part: 'actions' });
    const actions = this.item.message?.actions ?? [];
    for (const [index, { label, url }] of actions.slice(0, MAX_ACTIONS).entries()) {
      const href = toSafeUrl(url);
      if (href === undefined) continue;
      row.append(
        h(
          'a',
          {
            href,
            part: 'action',
            rel: 'noopener noreferrer',
            ...this.#target,
            onclick: (event: Event) => this.#host.onAction(this.item, index, event),
          },
          label,
        ),
      );
    }
    row.hidden = row.childElementCount === 0;
    return row;
  }

  #onClick(event: MouseEvent): void {
    const target = event.target as Element;
    if (target.closest('button') || target.closest('.actions')) return;
    // A reader who selects text does not open it.
    const isLink = target.closest('a') !== null;
    if (!isLink && String(getSelection() ?? '') !== '') return;
    const link = this.article.querySelector<HTMLAnchorElement>('h3 a');
    // The click on the link comes here again, and can be prevented there.
    if (!isLink && link) link.click();
    else this.#host.onClick(this.item, event);
  }
}
