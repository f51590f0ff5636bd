/** Attributes of an element; a function listens to the event whose name follows `on`. False and undefined: no such attribute. */
export interface Attributes {
  readonly [name: string]: string | number | boolean | undefined | ((event: never) => void);
}

export type Child = Node | string | undefined | false | null;

/** Makes an element. Texts become text nodes, so nothing of them is read as markup. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as EventListener);
    else setAttribute(element, name, value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

export function setAttribute(element: Element, name: string, value: string | number | boolean | undefined): void {
  if (value === undefined || value === false) element.removeAttribute(name);
  else if (value === true) element.setAttribute(name, '');
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** Makes a button that looks like a link. */
export function linkButton(part: string, onclick?: () => void): HTMLButtonElement {
  return h('button', { type: 'button', class: 'link', part, ...(onclick && { onclick }) });
}

const SVG = 'http://www.w3.org/2000/svg';

/** Makes an icon of 24 by 24 units, which says nothing to screen readers. */
export function icon(path: string, part = 'icon'): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [name, value] of [
    ['viewBox', '0 0 24 24'],
    ['aria-hidden', 'true'],
    ['part', part],
  ] as const)
    svg.setAttribute(name, value);
  const shape = document.createElementNS(SVG, 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

export const BELL_ICON =
  'M12 22a2.5 2.5 0 0 0 2.45-2h-4.9A2.5 2.5 0 0 0 12 22Zm7-6v-5a7 7 0 0 0-5.5-6.84V3.5a1.5 1.5 0 0 0-3 0v.66A7 7 0 0 0 5 11v5l-2 2v1h18v-1l-2-2Z';

/** Returns a sign that says nothing to screen readers. */
export function sign(text: string, part = 'icon'): HTMLElement {
  return h('span', { class: 'sign', part, 'aria-hidden': 'true' }, text);
}

/** Signs of severities, beside their words. */
export const SIGNS = { info: '', success: '✓', warning: '!', critical: '‼' } as const;

/** Schemes that run or show what they name; others, such as those of apps, may be opened. */
const DANGEROUS = ['javascript:', 'data:', 'vbscript:', 'file:', 'blob:'];

/** Returns a URL that a link may have; undefined: it would run something, or cannot be read. */
export function toSafeUrl(url: string | null | undefined): string | undefined {
  if (!url) return undefined;
  try {
    // As the browser reads it: without the white space in which a scheme can be hidden.
    const parsed = new URL(url, document.baseURI);
    return DANGEROUS.includes(parsed.protocol) ? undefined : parsed.href;
  } catch {
    return undefined;
  }
}

/** Returns the URL of a picture, of the same page or over HTTPS. */
export function toPictureUrl(url: string | null | undefined): string | undefined {
  const safe = toSafeUrl(url);
  if (safe === undefined) return undefined;
  const { protocol, origin } = new URL(safe);
  return protocol === 'https:' || origin === location.origin ? safe : undefined;
}

/** Whether a page is read from right to left where the element is. */
export function isRightToLeft(element: Element): boolean {
  return getComputedStyle(element).direction === 'rtl';
}

/** Returns a sheet with one empty rule, whose properties are set by script: an attribute `style` would break strict policies. */
export function ownRule(selector: string): { readonly sheet: CSSStyleSheet; readonly style: CSSStyleDeclaration } {
  const sheet = new CSSStyleSheet();
  sheet.insertRule(`${selector}{}`);
  return { sheet, style: (sheet.cssRules[0] as CSSStyleRule).style };
}

/** Places a box that floats beside its anchor, within the window. */
export function placeBeside(style: CSSStyleDeclaration, anchor: Element, box: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const gap = 6;
  const left = isRightToLeft(anchor) ? at.left : at.right - width;
  const isBelow = at.bottom + gap + height <= innerHeight || at.top < innerHeight - at.bottom;
  const top = isBelow ? at.bottom + gap : at.top - gap - height;
  style.setProperty('left', `${Math.max(gap, Math.min(left, innerWidth - width - gap))}px`);
  style.setProperty('top', `${Math.max(gap, Math.min(top, innerHeight - height - gap))}px`);
}
