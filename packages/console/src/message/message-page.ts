/* Untrusted HTML of a message as a page, which is changed before it is shown in a frame. */

/**
 * Parses the HTML. Its links do nothing: they open a new window, which the sandbox blocks. A link followed in the frame itself would
 * replace the message by an error page of the browser.
 */
export function parsePage(html: string, isWithoutPictures = false): Document {
  const page = new DOMParser().parseFromString(html, 'text/html');
  for (const link of page.querySelectorAll('a, area')) link.setAttribute('target', '_blank');
  if (isWithoutPictures) removePictures(page);
  return page;
}

/** Returns the page as HTML. Keeps the doctype or its absence, because it changes the layout mode. */
export function printPage(page: Document): string {
  return `${page.compatMode === 'CSS1Compat' ? '<!doctype html>' : ''}${page.documentElement.outerHTML}`;
}

function removePictures(page: Document): void {
  for (const picture of page.querySelectorAll('img')) {
    const text = page.createElement('span');
    text.textContent = picture.getAttribute('alt') ?? '';
    const [width, height] = ['width', 'height'].map((name) => Number(picture.getAttribute(name)) || undefined);
    const size = `${width === undefined ? '' : `width:${width}px;max-width:100%;`}${height === undefined ? '' : `min-height:${height}px;`}`;
    text.setAttribute(
      'style',
      `display:inline-block;box-sizing:border-box;padding:2px;border-width:1px;border-style:dashed;border-color:#888;${size}`,
    );
    picture.replaceWith(text);
  }
  for (const one of page.querySelectorAll<HTMLElement>('[background]')) one.removeAttribute('background');
  for (const one of page.querySelectorAll<HTMLElement>('[style*="background"]')) one.style.backgroundImage = 'none';
}

/** Returns the words that an inbox shows beside the subject: those of the first hidden element, or else the first of the text. */
export function findPreheader(html: string): string {
  const page = new DOMParser().parseFromString(html, 'text/html');
  for (const one of page.querySelectorAll('style, title, script')) one.remove();
  const hidden = [...page.body.querySelectorAll('[style]')].find((one) =>
    /display:\s*none/i.test(one.getAttribute('style') ?? ''),
  );
  return ((hidden ?? page.body).textContent ?? '').replace(/(?:\s|\u034f|\u00ad|[\u200b-\u200f]|\ufeff)+/g, ' ').trim();
}

/** Elements that stand for a block of their own if none of these is within them. */
const BLOCKS = [
  ...['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'li', 'td', 'th', 'div', 'blockquote', 'pre', 'img', 'hr'],
  ...['center', 'section', 'article'],
].join(',');

/** Returns the innermost blocks of a page, in order. */
export function listBlocks(page: Document): readonly Element[] {
  return [...page.body.querySelectorAll(BLOCKS)].filter(
    (one) => one.matches('img') || (one.querySelector(BLOCKS) === null && (one.textContent ?? '').trim() !== ''),
  );
}

/** Returns what makes a block differ from another one: its words, and links and pictures in it. */
export function describeBlock(block: Element): string {
  const of = (one: Element) => one.getAttribute('href') ?? one.getAttribute('src') ?? '';
  const links = [block, ...block.querySelectorAll('a, img')].map(of).join(' ');
  return `${block.tagName} ${(block.textContent ?? '').replace(/\s+/g, ' ').trim()} ${links} ${block.getAttribute('style') ?? ''}`;
}
