import { h, ownRule, placeBeside } from './dom.ts';

export interface Choice {
  readonly label: string;
  readonly run: () => void;
}

/** A menu in the top layer: arrow keys, Home and End move, Escape and Tab close it and give the focus back. */
export class Menu {
  readonly element: HTMLElement;
  readonly sheet: CSSStyleSheet;
  readonly #style: CSSStyleDeclaration;
  #anchor: HTMLElement | undefined;

  constructor() {
    this.element = h('div', {
      role: 'menu',
      part: 'menu',
      popover: 'manual',
      onkeydown: (event) => this.#onKey(event),
    });
    const { sheet, style } = ownRule('[role=menu]');
    this.sheet = sheet;
    this.#style = style;
    this.element.addEventListener('focusout', ({ relatedTarget }) => {
      if (this.#anchor && relatedTarget !== this.#anchor && !this.element.contains(relatedTarget as Node))
        this.close(false);
    });
  }

  get isOpen(): boolean {
    return this.#anchor !== undefined;
  }

  open(anchor: HTMLElement, label: string, choices: readonly Choice[]): void {
    const isSame = this.#anchor === anchor;
    this.close(isSame);
    if (isSame) return;
    this.#anchor = anchor;
    anchor.setAttribute('aria-expanded', 'true');
    this.element.setAttribute('aria-label', label);
    this.element.replaceChildren(
      ...choices.map(({ label: text, run }) =>
        h(
          'button',
          {
            type: 'button',
            role: 'menuitem',
            tabindex: '-1',
            part: 'menu-item',
            onclick: () => {
              this.close();
              run();
            },
          },
          text,
        ),
      ),
    );
    this.element.showPopover();
    placeBeside(this.#style, anchor, this.element);
    this.#items[0]?.focus();
  }

  close(returnsFocus = true): void {
    const anchor = this.#anchor;
    if (!anchor) return;
    this.#anchor = undefined;
    anchor.setAttribute('aria-expanded', 'false');
    this.element.hidePopover();
    if (returnsFocus) anchor.focus();
  }

  get #items(): HTMLElement[] {
    return [...this.element.children] as HTMLElement[];
  }

  #onKey(event: KeyboardEvent): void {
    const items = this.#items;
    const at = items.indexOf(event.target as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) items.at(to % items.length)?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') this.close();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  }
}

/** Times until which an item can be snoozed, in the zone of the device. */
export function listSnoozes(
  now: Date,
): readonly (readonly [key: 'hour' | 'evening' | 'tomorrow' | 'week', until: Date])[] {
  const at = (days: number, hour: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, hour);
  const evening = at(0, 18);
  const monday = at((8 - now.getDay()) % 7 || 7, 9);
  return [
    ['hour', new Date(now.getTime() + 3_600_000)],
    ...(evening.getTime() - now.getTime() > 2 * 3_600_000 ? [['evening', evening] as const] : []),
    ['tomorrow', at(1, 9)],
    ['week', monday],
  ];
}
