import { h, toSafeUrl } from './dom.ts';

/*
 * A subset of Markdown: paragraphs, line breaks, lists, `**strong**`, `*emphasis*`, `` `code` `` and `[links](https://…)`. Raw HTML is
 * text. Every repetition is bounded, so that a hostile text takes linear time.
 */

const INLINE =
  /\*\*([^*\n]{1,500}(?:\*[^*\n]{1,500}){0,20})\*\*|\*([^*\s][^*\n]{0,500})\*|`([^`\n]{1,500})`|\[([^\]\n]{1,300})\]\(([^()\s]{1,2048})\)/g;
const BULLET = /^ {0,3}[-*+] +(?=\S)/;
const NUMBER = /^ {0,3}\d{1,9}[.)] +(?=\S)/;
/** Characters that are shown; the server takes no more. */
const MAX_CHARS = 20_000;
/** Items of a list that are shown at once: the others fold. */
const SHOWN_ITEMS = 3;
const MAX_DEPTH = 3;

/** Labels of the button that unfolds a list. */
export interface FoldLabels {
  readonly more: (count: number) => string;
  readonly less: string;
}

/** Returns a text as nodes. */
export function renderMarkdown(source: string, fold: FoldLabels): DocumentFragment {
  const fragment = document.createDocumentFragment();
  let lines: string[] = [];
  let list: { readonly pattern: RegExp; readonly items: string[] } | undefined;
  const endParagraph = () => {
    if (lines.length > 0) fragment.append(h('p', {}, ...joinLines(lines)));
    lines = [];
  };
  const endList = () => {
    if (list) fragment.append(...renderList(list.pattern === NUMBER ? 'ol' : 'ul', list.items, fold));
    list = undefined;
  };
  for (const line of source.slice(0, MAX_CHARS).split('\n')) {
    const pattern = BULLET.test(line) ? BULLET : NUMBER.test(line) ? NUMBER : undefined;
    if (pattern) {
      endParagraph();
      if (list && list.pattern !== pattern) endList();
      list ??= { pattern, items: [] };
      list.items.push(line.replace(pattern, ''));
    } else if (line.trim() === '') {
      endParagraph();
      endList();
    } else {
      endList();
      lines.push(line);
    }
  }
  endParagraph();
  endList();
  return fragment;
}

/** Returns a text without its marks, on one line. */
export function toPlain(source: string): string {
  return source
    .slice(0, MAX_CHARS)
    .replace(INLINE, (_all, strong, emphasis, code, label) => strong ?? emphasis ?? code ?? label ?? '')
    .replace(/\s+/g, ' ')
    .trim();
}

function joinLines(lines: readonly string[]): Node[] {
  return lines.flatMap((line, index) => [...(index > 0 ? [h('br')] : []), ...renderInline(line, 0)]);
}

function renderInline(text: string, depth: number): Node[] {
  const nodes: Node[] = [];
  let from = 0;
  for (const match of depth < MAX_DEPTH ? text.matchAll(INLINE) : []) {
    const [all, strong, emphasis, code, label, url] = match;
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    from = match.index + all.length;
    if (code !== undefined) nodes.push(h('code', {}, code));
    else if (label !== undefined) nodes.push(renderLink(label, url ?? '', depth));
    else
      nodes.push(h(strong === undefined ? 'em' : 'strong', {}, ...renderInline(strong ?? emphasis ?? '', depth + 1)));
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

function renderLink(label: string, url: string, depth: number): Node {
  const href = toSafeUrl(url);
  const content = renderInline(label, depth + 1);
  if (href === undefined) return h('span', {}, ...content);
  return h('a', { href, rel: 'noopener noreferrer', part: 'link' }, ...content);
}

function renderList(tag: 'ol' | 'ul', items: readonly string[], fold: FoldLabels): Node[] {
  const rows = items.map((item) => h('li', {}, ...renderInline(item, 0)));
  const list = h(tag, {}, ...rows);
  const folded = rows.slice(SHOWN_ITEMS);
  if (folded.length < 2) return [list];
  const button = h('button', { type: 'button', class: 'link', part: 'fold', 'aria-expanded': 'false' });
  const show = (isOpen: boolean) => {
    for (const row of folded) row.hidden = !isOpen;
    button.textContent = isOpen ? fold.less : fold.more(folded.length);
    button.setAttribute('aria-expanded', String(isOpen));
  };
  button.addEventListener('click', () => show(folded[0]?.hidden === true));
  show(false);
  return [list, button];
}
