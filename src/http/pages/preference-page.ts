import { escapeHtml } from '../../lib/text/escape-html.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { type PageSetting, renderFrame } from './page-frame.ts';
import type { PageSwitch, PageSwitches, TypeSwitches } from './page-switches.ts';
import type { PageTexts } from './page-texts.ts';

/** Everything that the page of preferences shows. */
export interface PreferencePage extends PageSetting {
  /** Masked. */
  readonly address: string;
  /** Undefined: the link is old, and lets its reader stop messages alone. */
  readonly switches: PageSwitches | undefined;
  /** Whether a new link can be sent. */
  readonly canSendLink: boolean;
  /** The result of what was done before; undefined: nothing was. */
  readonly notice?: string;
}

/** Returns the page as HTML, without scripts. Every text is escaped. */
export function renderPreferencePage(page: PreferencePage): string {
  const { texts, address, switches, notice } = page;
  const [before = '', after = ''] = texts.about.split('{address}');
  const body = [
    ...(notice === undefined ? [] : [`<p role="status" class="notice">${escapeHtml(notice)}</p>`]),
    `<p>${escapeHtml(before)}<bdi>${escapeHtml(address)}</bdi>${escapeHtml(after)}</p>`,
    ...(switches ? [renderForm(switches, texts)] : [renderOld(page)]),
  ];
  return renderFrame(page, texts.title, body.join(''));
}

function renderForm({ everything, channels, categories }: PageSwitches, texts: PageTexts): string {
  const general = [
    `<div class="alone">${renderSwitch(everything, texts, texts.everything)}</div>`,
    group(texts.byChannel, channels, texts),
  ];
  const parts = categories.map(({ category, whole, types }) => {
    const rows = [
      ...(whole.length > 0 ? [group(texts.whole, whole, texts)] : []),
      ...types.map((row) => group(toLabel(row), row.switches, texts)),
    ];
    return `<h2>${escapeHtml(texts.categories[category])}</h2>${rows.join('')}`;
  });
  const save = `<p>${button('save', texts.save)}</p>`;
  return `<form method="post"><h2>${escapeHtml(texts.all)}</h2>${general.join('')}${parts.join('')}${save}</form>`;
}

function renderOld({ texts, canSendLink }: PreferencePage): string {
  const buttons = [button('stop', texts.stop), ...(canSendLink ? [button('fresh', texts.fresh)] : [])];
  const rows = buttons.map((one) => `<p>${one}</p>`);
  return `<p>${escapeHtml(texts.old)}</p><form method="post">${rows.join('')}</form>`;
}

function button(action: string, text: string): string {
  return `<button type="submit" name="action" value="${action}">${escapeHtml(text)}</button>`;
}

function toLabel({ type }: TypeSwitches): string {
  const words = type.name.toLowerCase().replaceAll('_', ' ');
  return type.description || words.charAt(0).toUpperCase() + words.slice(1);
}

function group(legend: string, switches: readonly PageSwitch[], texts: PageTexts): string {
  const rows = switches.map((one) => renderSwitch(one, texts));
  return `<fieldset><legend><bdi>${escapeHtml(legend)}</bdi></legend>${rows.join('')}</fieldset>`;
}

function renderSwitch({ scope, channel, isOn, grey }: PageSwitch, texts: PageTexts, label?: string): string {
  const name = label ?? (channel && (texts.channels[channel] ?? CHANNEL_DESCRIPTORS[channel].label)) ?? '';
  const value = escapeHtml(scope);
  const isFree = grey === undefined;
  const reason = isFree ? '' : ` <span class="why">(${escapeHtml(texts.reasons[grey] ?? grey)})</span>`;
  const shown = isFree ? `<input type="hidden" name="shown" value="${value}">` : '';
  const state = `${isOn ? ' checked' : ''}${isFree ? '' : ' disabled'}`;
  const box = `<input type="checkbox" name="on" value="${value}"${state}>`;
  return `${shown}<label>${box}<span>${escapeHtml(name)}${reason}</span></label>`;
}
