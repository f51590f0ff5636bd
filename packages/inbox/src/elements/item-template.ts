import type { Item } from '../client/inbox-client.ts';
import { toPictureUrl, toSafeUrl } from './dom.ts';

/**
 * Fills a template of the page with an item. `data-text="message.title"` sets the text, `data-href="url"` and `data-src="icon"` a URL if
 * it is a safe one, and `data-if="message.data.total"` removes the element if there is no such value.
 */
export function fillTemplate(template: HTMLTemplateElement, item: Item): DocumentFragment {
  const content = template.content.cloneNode(true) as DocumentFragment;
  for (const element of content.querySelectorAll<HTMLElement>('[data-if]')) {
    if (!read(item, element.dataset.if)) element.remove();
  }
  for (const element of content.querySelectorAll<HTMLElement>('[data-text],[data-href],[data-src]')) {
    const { text, href, src } = element.dataset;
    if (text !== undefined) element.textContent = toText(read(item, text));
    if (href !== undefined) setUrl(element, 'href', toSafeUrl(toText(read(item, href))));
    if (src !== undefined) setUrl(element, 'src', toPictureUrl(toText(read(item, src))));
  }
  return content;
}

/** Scripts and frames would run what they name: only links and pictures have a URL. */
function setUrl(element: HTMLElement, name: 'href' | 'src', url: string | undefined): void {
  const takes = name === 'href' ? element.localName === 'a' : element.localName === 'img';
  if (takes && url !== undefined) element.setAttribute(name, url);
}

function read(item: Item, path: string | undefined): unknown {
  let value: unknown = item;
  for (const name of path?.split('.') ?? []) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as { readonly [name: string]: unknown })[name];
  }
  return value;
}

function toText(value: unknown): string {
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}
