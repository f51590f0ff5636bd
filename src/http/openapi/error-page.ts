import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Marked } from 'marked';
import { ROOT } from '../../lib/package-root.ts';
import type { App } from '../app.ts';
import { ERROR_PAGE } from '../problem.ts';

const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }
table { border-collapse: collapse } th, td { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; vertical-align: top }
code { background: #f2f4f6; padding: .1em .3em; border-radius: 4px } pre code { display: block; padding: .8rem; overflow: auto }
:target { background: #fff8c5 } @media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 }
a { color: #4493f8 } code { background: #1b222c } th, td { border-color: #3d444d } :target { background: #4d3d00 } }`;

/**
 * Serves docs/errors.md as a page without scripts, to whose parts the `type` of each problem leads. Each code is the id of
 * its heading, or of its row in a table.
 */
export function registerErrorPage(app: App): void {
  let page: string | undefined;
  app.get(ERROR_PAGE, { config: { scope: 'public' }, schema: { hide: true } as object }, (_request, reply) => {
    page ??= renderErrorPage(readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8'));
    return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page);
  });
}

function renderErrorPage(markdown: string): string {
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
        // The other documents are not served here.
        return /^(#|https:)/.test(href) ? `<a href="${href}">${text}</a>` : text;
      },
    },
  });
  const body = marked.parse(markdown) as string;
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tidings: errors</title>
<style>${STYLE}</style></head>
<body><p><a href="/api/docs/">API</a></p>
${body}</body>
</html>
`;
}

/** Returns the anchor of a heading as GitHub makes it, so that the links within the document work in both places. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}
