import type { Counts } from '../client/inbox-client.ts';
import type { InboxText } from '../strings/inbox/en.ts';
import { INBOX_TEXTS } from '../strings/inbox/texts.ts';
import { BELL_ICON, h, icon, ownRule, placeBeside, setAttribute, sign } from './dom.ts';
import { type Context, TidingsElement } from './element.ts';
import { BELL, SHARED } from './styles.ts';

/** Width (px) up to which the panel fills the window, and nothing else can be used meanwhile. */
const PHONE = '(max-width: 480px)';
/** The live region speaks once in this time, at most. */
const SPEAK_MS = 5000;

/**
 * `<tidings-bell>`: a button with the number of new items, which opens a panel with the inbox. The content of the element is that of the
 * panel; without any it has a `<tidings-inbox>` of its own. Slot `icon`: another icon.
 *
 * Attributes: `badge` (`unseen`, `unread`, `dot` or `none`), `open`, `label`.
 */
export class TidingsBell extends TidingsElement<InboxText> {
  static readonly observedAttributes = ['badge', 'label'];

  readonly #rule = ownRule('dialog');
  readonly #badge = h('span', { class: 'badge', part: 'badge', 'aria-hidden': 'true', hidden: true });
  readonly #button = h('button', {
    type: 'button',
    class: 'bell',
    part: 'bell',
    'aria-expanded': 'false',
    'aria-haspopup': 'dialog',
    onclick: () => this.toggle(),
  });
  readonly #panel = h('dialog', { part: 'panel', popover: 'manual' });
  readonly #close = h('button', { type: 'button', class: 'close', part: 'close', onclick: () => this.close() });
  readonly #live = h('span', { class: 'quiet', role: 'status', 'aria-live': 'polite' });
  #listening = new AbortController();
  #spoke = 0;
  #speakTimer: ReturnType<typeof setTimeout> | undefined;
  #arrived = 0;
  #title = '';

  constructor() {
    super([SHARED, BELL], INBOX_TEXTS);
    this.root.adoptedStyleSheets = [...this.root.adoptedStyleSheets, this.#rule.sheet];
    const shape = h('slot', { name: 'icon' });
    shape.append(icon(BELL_ICON, 'bell-icon'));
    this.#button.append(shape, this.#badge);
    this.#close.append(sign('✕'));
    this.root.append(this.#button, this.#panel, this.#live);
    this.#panel.addEventListener('cancel', (event) => {
      event.preventDefault();
      this.close();
    });
  }

  get isOpen(): boolean {
    return this.#button.getAttribute('aria-expanded') === 'true';
  }

  /** Opens the panel, and moves the focus into it. */
  open(): void {
    const { context } = this;
    if (this.isOpen || !context || !this.emit('tidings-open')) return;
    this.#fill();
    this.#button.setAttribute('aria-expanded', 'true');
    this.toggleAttribute('open', true);
    if (matchMedia(PHONE).matches) {
      this.#panel.removeAttribute('popover');
      this.#panel.showModal();
    } else {
      this.#panel.setAttribute('popover', 'manual');
      this.#panel.showPopover();
      this.#place();
      const { signal } = this.#listening;
      document.addEventListener('pointerdown', this.#onOutside, { capture: true, signal });
      document.addEventListener('keydown', this.#onKey, { capture: true, signal });
      addEventListener('resize', this.#place, { signal });
      addEventListener('scroll', this.#place, { capture: true, passive: true, signal });
    }
    this.#inbox?.setShown(true);
    this.#close.focus({ preventScroll: true });
    this.#inbox?.focus();
  }

  /** Closes the panel, and returns the focus to the button. */
  close(): void {
    if (!this.isOpen) return;
    const active = (this.getRootNode() as Document).activeElement;
    // Also if nothing has it: what had it may be gone.
    const hadFocus = !active || active === document.body || this.contains(active);
    this.#button.setAttribute('aria-expanded', 'false');
    this.toggleAttribute('open', false);
    if (this.#panel.matches(':popover-open')) this.#panel.hidePopover();
    if (this.#panel.open) this.#panel.close();
    this.#unlisten();
    this.#inbox?.setShown(false);
    if (hadFocus) this.#button.focus();
    this.emit('tidings-close');
  }

  toggle(): void {
    if (this.isOpen) this.close();
    else this.open();
  }

  override focus(options?: FocusOptions): void {
    this.#button.focus(options);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#unlisten();
    clearTimeout(this.#speakTimer);
    this.#speakTimer = undefined;
    this.#button.setAttribute('aria-expanded', 'false');
  }

  protected override connect({ client, texts }: Context<InboxText>): void {
    this.#close.setAttribute('aria-label', texts.get('close'));
    this.#panel.setAttribute('aria-label', texts.get('title'));
    this.#show(client.counts);
    this.keep(
      client.on('counts', (counts) => this.#show(counts)),
      client.on('arrival', ({ message }) => this.#announce(message?.title ?? '')),
    );
    this.#inbox?.setShown(this.isOpen);
  }

  /** The inbox in the panel; undefined: the panel has another content. */
  get #inbox(): (HTMLElement & { setShown(isShown: boolean): void }) | undefined {
    return this.querySelector('tidings-inbox') ?? (this.#panel.querySelector('tidings-inbox') as never) ?? undefined;
  }

  #fill(): void {
    if (this.#panel.childElementCount > 0) return;
    const slot = h('slot');
    if (globalThis.customElements.get('tidings-inbox')) {
      const own = document.createElement('tidings-inbox');
      own.className = 'fallback';
      slot.append(own);
    }
    this.#panel.append(this.#close, slot);
  }

  #show(counts: Counts | null): void {
    const { context } = this;
    if (!context) return;
    const kind = this.getAttribute('badge') ?? 'unseen';
    const count = counts ? (kind === 'unread' ? counts.unread : counts.unseen) : 0;
    const unread = counts?.unread ?? 0;
    const { texts } = context;
    this.#badge.hidden = count === 0 || kind === 'none';
    this.#badge.classList.toggle('dot', kind === 'dot');
    this.#badge.textContent = kind === 'dot' ? '' : count > 99 ? `${texts.number(99)}+` : texts.number(count);
    const label = this.getAttribute('label') ?? (unread === 0 ? texts.get('title') : texts.count('bell', unread));
    setAttribute(this.#button, 'aria-label', label);
  }

  /** Says what has arrived, once in five seconds. */
  #announce(title: string): void {
    this.#arrived++;
    this.#title = title;
    if (this.#speakTimer !== undefined) return;
    const wait = Math.max(0, this.#spoke + SPEAK_MS - Date.now());
    this.#speakTimer = setTimeout(() => {
      this.#speakTimer = undefined;
      this.#spoke = Date.now();
      this.#live.textContent = this.context?.texts.count('arrived', this.#arrived, { title: this.#title }) ?? '';
      this.#arrived = 0;
    }, wait);
  }

  readonly #place = () => placeBeside(this.#rule.style, this.#button, this.#panel);

  readonly #onOutside = (event: Event) => {
    const path = event.composedPath();
    if (!path.includes(this)) this.close();
  };

  readonly #onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    // The menu within it closes first.
    if (event.composedPath().some((node) => node instanceof Element && node.getAttribute('role') === 'menu')) return;
    event.preventDefault();
    this.close();
  };

  #unlisten(): void {
    this.#listening.abort();
    this.#listening = new AbortController();
  }
}
