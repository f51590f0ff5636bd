import type { Item } from '../client/inbox-client.ts';
import type { InboxText } from '../strings/inbox/en.ts';
import { INBOX_TEXTS } from '../strings/inbox/texts.ts';
import { BELL_ICON, h, icon, SIGNS, sign, toSafeUrl } from './dom.ts';
import { type Context, TidingsElement } from './element.ts';
import { toPlain } from './markdown.ts';
import { SHARED, TOAST } from './styles.ts';

const DEFAULT_MAX = 3;
const DEFAULT_SECONDS = 6;

interface Toast {
  readonly element: HTMLElement;
  remaining: number;
  since: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * `<tidings-toast>`: shows what arrives for a moment, above everything. What is critical stays until it is dismissed.
 *
 * Attributes: `position` (`top-right`, `bottom-left`, `top-center` …), `max`, `duration` in seconds, `link-target`.
 */
export class TidingsToast extends TidingsElement<InboxText> {
  static readonly observedAttributes = ['position', 'max', 'duration', 'link-target'];

  readonly #region = h('section', { class: 'region', part: 'region', popover: 'manual' });
  readonly #toasts = new Set<Toast>();

  constructor() {
    super([SHARED, TOAST], INBOX_TEXTS);
    this.root.append(this.#region);
    // A reader who points at them, or is within them, has the time to read.
    for (const name of ['pointerenter', 'focusin']) this.#region.addEventListener(name, () => this.#hold());
    for (const name of ['pointerleave', 'focusout']) this.#region.addEventListener(name, () => this.#release());
    this.#region.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.clear();
    });
  }

  /** Dismisses all of them. */
  clear(): void {
    for (const toast of this.#toasts) this.#dismiss(toast);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.clear();
  }

  protected override connect({ client, texts }: Context<InboxText>): void {
    const [block = 'top', inline = 'right'] = (this.getAttribute('position') ?? 'top-right').split('-');
    this.#region.className = `region ${block === 'bottom' ? 'bottom' : 'top'} ${['left', 'center'].includes(inline) ? inline : 'right'}`;
    this.#region.setAttribute('aria-label', texts.get('title'));
    this.keep(client.on('arrival', (item) => this.#add(item)));
  }

  #add(item: Item): void {
    const { context } = this;
    // A page in the background is not looked at; the bell has it.
    if (!context || document.visibilityState !== 'visible' || item.read_at !== null) return;
    if (!this.emit('tidings-toast', { item })) return;
    const max = Math.max(1, Number(this.getAttribute('max')) || DEFAULT_MAX);
    const oldest = [...this.#toasts].slice(0, Math.max(0, this.#toasts.size - max + 1));
    for (const toast of oldest) this.#dismiss(toast);
    const isCritical = item.severity === 'critical';
    const seconds = Number(this.getAttribute('duration') ?? DEFAULT_SECONDS);
    const toast: Toast = {
      element: this.#render(item, context, () => this.#dismiss(toast)),
      remaining: isCritical || !(seconds > 0) ? Number.POSITIVE_INFINITY : seconds * 1000,
      since: 0,
      timer: undefined,
    };
    this.#toasts.add(toast);
    if (!this.#region.matches(':popover-open')) this.#region.showPopover();
    this.#region.append(toast.element);
    if (!this.#region.matches(':hover') && !this.#region.matches(':focus-within')) this.#start(toast);
  }

  #render(item: Item, { texts, client }: Context<InboxText>, dismiss: () => void): HTMLElement {
    const { message, severity } = item;
    const text = toPlain(message?.text ?? texts.get('unreadable'));
    const title = message?.title || message?.subject;
    const href = toSafeUrl(item.url);
    const target = this.getAttribute('link-target') ?? undefined;
    const onclick = (event: Event) => {
      if (!this.emit('tidings-item-click', { item })) event.preventDefault();
      void client.act(item, 'read').catch(() => {});
      dismiss();
    };
    const name = title || text.slice(0, 80);
    const main = h(
      'div',
      { class: 'main' },
      href
        ? h('a', { href, rel: 'noopener noreferrer', target, part: 'toast-link', onclick }, h('strong', {}, name))
        : h('strong', {}, name),
      title ? h('span', { class: 'text' }, text) : undefined,
    );
    const close = h('button', {
      type: 'button',
      'aria-label': `${texts.get('close')}: ${name}`,
      part: 'dismiss',
      onclick: dismiss,
    });
    close.append(sign('✕'));
    const role = severity === 'critical' ? 'alert' : 'status';
    return h(
      'div',
      { class: `toast ${severity}`, role, part: 'toast' },
      severity === 'info' ? icon(BELL_ICON) : sign(SIGNS[severity]),
      main,
      close,
    );
  }

  #start(toast: Toast): void {
    if (toast.timer !== undefined || toast.remaining === Number.POSITIVE_INFINITY) return;
    toast.since = Date.now();
    toast.timer = setTimeout(() => this.#dismiss(toast), toast.remaining);
  }

  #hold(): void {
    for (const toast of this.#toasts) {
      if (toast.timer === undefined) continue;
      clearTimeout(toast.timer);
      toast.timer = undefined;
      toast.remaining = Math.max(1000, toast.remaining - (Date.now() - toast.since));
    }
  }

  #release(): void {
    for (const toast of this.#toasts) this.#start(toast);
  }

  #dismiss(toast: Toast): void {
    clearTimeout(toast.timer);
    toast.element.remove();
    this.#toasts.delete(toast);
    if (this.#toasts.size === 0 && this.#region.matches(':popover-open')) this.#region.hidePopover();
  }
}
