import { escapeHtml } from '../../lib/text/escape-html.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { TenantProfile } from '../../model/tenant.ts';
import type { PageSwitch, PageSwitches, TypeSwitches } from './page-switches.ts';
import type { PageTexts } from './page-texts.ts';

/** Everything that the page of preferences shows. */
export interface PreferencePage {
  readonly texts: PageTexts;
  readonly tenant: TenantProfile;
  /** Masked. */
  readonly address: string;
  /** Undefined: the link is old, and lets its reader stop messages alone. */
  readonly switches: PageSwitches | undefined;
  /** Whether a new link can be sent. */
  readonly canSendLink: boolean;
  /** The result of what was done before; undefined: nothing was. */
  readonly notice?: string;
}

/** Policy of the page: no scripts, and its form goes back to it. */
export const PAGE_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const COLOR = /^#[0-9a-f]{6}$/i;
const DEFAULT_COLOR = '#1d4ed8';

/** Returns the page as HTML, without scripts. Every text is escaped. */
export function renderPreferencePage(page: PreferencePage): string {
  const { texts, tenant, address, switches, notice } = page;
  const sender = tenant.settings.legal_name ?? tenant.name;
  const body = [
    `<p class="sender">${escapeHtml(sender)}</p>`,
    `<h1>${escapeHtml(texts.title)}</h1>`,
    ...(notice === undefined ? [] : [`<p role="status" class="notice">${escapeHtml(notice)}</p>`]),
    `<p>${escapeHtml(texts.about.replace('{address}', address))}</p>`,
    ...(switches ? [renderForm(switches, texts)] : [renderOld(page)]),
  ];
  return `<!doctype html><html lang="${texts.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>${escapeHtml(texts.title)}</title><style>${toStyle(tenant)}</style></head><body><main>${body.join('')}</main></body></html>`;
}

function renderForm({ everything, channels, categories }: PageSwitches, texts: PageTexts): string {
  const general = [
    group(texts.everything, [{ ...everything }], texts, texts.everything),
    group(texts.byChannel, channels, texts),
  ];
  const parts = categories.map(({ category, whole, types }) => {
    const rows = [
      ...(whole.length > 0 ? [group(texts.whole, whole, texts)] : []),
      ...types.map((row) => group(toLabel(row), row.switches, texts)),
    ];
    return `<h2>${escapeHtml(texts.categories[category])}</h2>${rows.join('')}`;
  });
  return `<form method="post"><h2>${escapeHtml(texts.all)}</h2>${general.join('')}${parts.join('')}<p><button type="submit" name="action" value="save">${escapeHtml(texts.save)}</button></p></form>`;
}

function renderOld({ texts, canSendLink }: PreferencePage): string {
  const button = (action: string, text: string) =>
    `<p><button type="submit" name="action" value="${action}">${escapeHtml(text)}</button></p>`;
  const fresh = canSendLink ? button('fresh', texts.fresh) : '';
  return `<p>${escapeHtml(texts.old)}</p><form method="post">${button('stop', texts.stop)}${fresh}</form>`;
}

function toLabel({ type }: TypeSwitches): string {
  const words = type.name.toLowerCase().replaceAll('_', ' ');
  return type.description || words.charAt(0).toUpperCase() + words.slice(1);
}

function group(legend: string, switches: readonly PageSwitch[], texts: PageTexts, label?: string): string {
  const rows = switches.map((one) => renderSwitch(one, texts, label));
  return `<fieldset><legend>${escapeHtml(legend)}</legend>${rows.join('')}</fieldset>`;
}

function renderSwitch({ scope, channel, isOn, grey }: PageSwitch, texts: PageTexts, label?: string): string {
  const name = label ?? (channel && (texts.channels[channel] ?? CHANNEL_DESCRIPTORS[channel].label)) ?? '';
  const value = escapeHtml(scope);
  const reason = grey === undefined ? '' : ` <span class="why">(${escapeHtml(texts.reasons[grey] ?? grey)})</span>`;
  const shown = grey === undefined ? `<input type="hidden" name="shown" value="${value}">` : '';
  return `${shown}<label><input type="checkbox" name="on" value="${value}"${isOn ? ' checked' : ''}${grey === undefined ? '' : ' disabled'}> ${escapeHtml(name)}${reason}</label>`;
}

function toStyle({ settings }: TenantProfile): string {
  const given = settings.branding?.color;
  const color = typeof given === 'string' && COLOR.test(given) && isDark(given) ? given : DEFAULT_COLOR;
  return `*{box-sizing:border-box}body{margin:0;background:#fff;color:#1a1a1a;font:16px/1.5 system-ui,sans-serif;border-top:6px solid ${color}}main{max-width:40rem;margin:0 auto;padding:1.5rem 1rem 3rem;overflow-wrap:anywhere}.sender{font-weight:600;margin:0}h1{font-size:1.6rem}h2{font-size:1.2rem;margin:1.5rem 0 .5rem}fieldset{border:1px solid #8a8a8a;border-radius:6px;margin:0 0 .75rem;padding:.5rem .75rem;min-width:0}label{display:block;padding:.25rem 0}.why{color:#555}.notice{background:#e7f4ea;padding:.5rem .75rem;border-radius:6px}button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:6px;background:${color};color:#fff;cursor:pointer}:focus-visible{outline:3px solid #1a1a1a;outline-offset:2px}`;
}

/** Whether white text on a color has a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */
function isDark(color: string): boolean {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5;
}
