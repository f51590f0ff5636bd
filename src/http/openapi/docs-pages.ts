import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Marked } from 'marked';
import { ROOT } from '../../lib/package-root.ts';
import type { App } from '../app.ts';

const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }
table { border-collapse: collapse } th, td { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; vertical-align: top }
code { background: #f2f4f6; padding: .1em .3em; border-radius: 4px } pre code { display: block; padding: .8rem; overflow: auto }
:target { background: #fff8c5 } @media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 }
a { color: #4493f8 } code { background: #1b222c } th, td { border-color: #3d444d } :target { background: #4d3d00 } }`;

const FOLDER = join(ROOT, 'docs');

/**
 * Serves each page of docs/ at `/api/docs/NAME`, without scripts. To the parts of `errors` the `type` of each problem leads: a
 * code is the id of its heading, or of its row in a table. A copy of Tidings without the folder serves none.
 */
export function registerDocsPages(app: App, prefix: string): void {
  const names = (existsSync(FOLDER) ? readdirSync(FOLDER) : [])
    .filter((name) => name.endsWith('.md'))
    .map((name) => name.slice(0, -'.md'.length))
    .sort();
  const pages = new Map<string, string>();
  for (const name of names) {
    app.get(
      `${prefix}/${name}`,
      { config: { scope: 'public' }, schema: { hide: true } as object },
      (_request, reply) => {
        const page = pages.get(name) ?? renderPage(name, names, prefix);
        pages.set(name, page);
        return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page);
      },
    );
  }
}

function renderPage(name: string, names: readonly string[], prefix: string): string {
  const marked = new Marked({
    async: false,
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${toAnchor(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      tablerow({ text }) {
        const code = /^<td[^>]*><code>([a-z_]+)<\/code>/.exec(text.trimStart())?.[1];
        return `<tr${code === undefined ? '' : ` id="${code}"`}>\n${text}</tr>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const target = toPath(href, names, prefix);
        return target === undefined ? text : `<a href="${target}">${text}</a>`;
      },
    },
  });
  const body = marked.parse(readFileSync(join(FOLDER, `${name}.md`), 'utf8')) as string;
  const links = names.map((one) => (one === name ? one : `<a href="${prefix}/${one}">${one}</a>`));
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tidings: ${name}</title>
<style>${STYLE}</style></head>
<body><p><a href="${prefix}/">API</a> · ${links.join(' · ')}</p>
${body}</body>
</html>
`;
}

/** Returns where a link of a page leads in this installation; undefined for a file that is not served. */
function toPath(href: string, names: readonly string[], prefix: string): string | undefined {
  if (/^(#|https:)/.test(href)) return href;
  // The pages name the address of a first start.
  if (href.startsWith('http://localhost:8000/')) return href.slice('http://localhost:8000'.length);
  if (href === 'openapi.json') return `${prefix}/openapi.json`;
  const [, name = '', anchor = ''] = /^([\w-]+)\.md(#.+)?$/.exec(href) ?? [];
  return names.includes(name) ? `${prefix}/${name}${anchor}` : undefined;
}

/** Returns the anchor of a heading as GitHub makes it, so that the links within the document work in both places. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
