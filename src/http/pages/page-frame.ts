import type { FastifyReply } from 'fastify';
import { escapeHtml } from '../../lib/text/escape-html.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import type { PageTexts } from './page-texts.ts';

/** Tenant of a page, and its language. */
export interface PageSetting {
  readonly texts: PageTexts;
  readonly tenant: TenantProfile;
}

/** Headers of the pages behind signed links: no scripts, no frames, and nothing about them is kept or passed on. */
const PAGE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
};

const COLOR = /^#[0-9a-f]{6}$/i;
const DEFAULT_COLOR = '#1d4ed8';

/** Returns a page as HTML, without scripts. `body` is HTML; the title is escaped. */
export function renderFrame({ texts, tenant }: PageSetting, title: string, body: string): string {
  const sender = tenant.settings.legal_name ?? tenant.name;
  const head = [
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="robots" content="noindex">',
    '<meta name="color-scheme" content="light dark">',
    `<title>${escapeHtml(title)}</title>`,
    `<style>${toStyle(tenant)}</style>`,
  ];
  const shown = sender === '' ? '' : `<p class="sender"><bdi>${escapeHtml(sender)}</bdi></p>`;
  const open = `<!doctype html><html lang="${texts.language}" dir="${texts.direction}"><head>${head.join('')}</head>`;
  return `${open}<body><main>${shown}<h1>${escapeHtml(title)}</h1>${body}</main></body></html>`;
}

/** Sends a page behind a signed link. */
export function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(html);
}

/** Style of the pages in light and dark colors. Sides are logical, so that it holds from right to left as well. */
function toStyle({ settings }: TenantProfile): string {
  const given = settings.branding?.color;
  const color = typeof given === 'string' && COLOR.test(given) && isDark(given) ? given : DEFAULT_COLOR;
  return [
    `:root{color-scheme:light dark;--brand:${color};--page:#fff;--text:#1a1a1a;--quiet:#555;--line:#8a8a8a;--good:#e7f4ea}`,
    '@media(prefers-color-scheme:dark){:root{--page:#16181c;--text:#f0f0f0;--quiet:#b9bec6;--line:#7d838c;--good:#1c3a26}}',
    '*{box-sizing:border-box}',
    'body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif;border-block-start:6px solid var(--brand)}',
    'main{max-width:40rem;margin:0 auto;padding:1.5rem 1rem 3rem;overflow-wrap:anywhere}',
    '.sender{font-weight:600;margin:0}h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.2rem;margin:1.75rem 0 .5rem}',
    'bdi{display:inline-block;max-width:100%}',
    'fieldset,.alone{border:1px solid var(--line);border-radius:8px;margin:0 0 .75rem;padding:.4rem .9rem .5rem;min-width:0}',
    'legend{padding:0 .35rem;font-weight:600}',
    'label{display:flex;gap:.65rem;align-items:baseline;padding:.45rem 0;min-height:2.25rem}',
    'input{flex:none;width:1.15rem;height:1.15rem;margin:0;position:relative;top:.2rem;accent-color:var(--brand)}',
    'label:has(:disabled){color:var(--quiet)}.why{color:var(--quiet)}',
    '.notice{background:var(--good);padding:.6rem .9rem;border-radius:8px}',
    'button{font:inherit;font-weight:600;min-height:2.75rem;padding:.6rem 1.4rem;border:1px solid transparent;border-radius:8px;',
    'background:var(--brand);color:#fff;cursor:pointer}a{color:inherit}',
    ':focus-visible{outline:3px solid var(--text);outline-offset:2px}',
  ].join('');
}

/** Whether white text on a color has a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */
function isDark(color: string): boolean {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5;
}
