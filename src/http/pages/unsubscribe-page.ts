import { escapeHtml } from '../../lib/text/escape-html.ts';
import { CATEGORIES } from '../../model/catalog.ts';
import { type PageSetting, renderFrame } from './page-frame.ts';
import type { PageTexts } from './page-texts.ts';

export interface UnsubscribePage extends PageSetting {
  /** As suppressions have it: `category:MARKETING`. */
  readonly scope: string;
  /** Token of the page of preferences that it leads on to; undefined: the link does not say whose it is. */
  readonly preferencesToken: string | undefined;
}

/** Returns the page that asks, with a button; it needs no scripts. */
export function renderUnsubscribe(page: UnsubscribePage): string {
  const { texts, scope } = page;
  const ask = `<p>${fill(texts.unsubscribeAsk, texts, scope)}</p>`;
  const form = `<form method="post"><button type="submit">${escapeHtml(texts.unsubscribe)}</button></form>`;
  return renderFrame(page, texts.unsubscribe, `${ask}${form}${renderWayOn(page)}`);
}

/** Returns the page that says it is done. */
export function renderUnsubscribed(page: UnsubscribePage): string {
  const { texts, scope } = page;
  const done = `<p role="status" class="notice">${fill(texts.unsubscribedText, texts, scope)}</p>`;
  return renderFrame(page, texts.unsubscribed, `${done}${renderWayOn(page)}`);
}

function fill(text: string, texts: PageTexts, scope: string): string {
  const category = CATEGORIES.find((one) => scope === `category:${one}`);
  return escapeHtml(text.replace('{kind}', category === undefined ? texts.thisKind : texts.categories[category]));
}

function renderWayOn({ texts, preferencesToken: token }: UnsubscribePage): string {
  return token === undefined ? '' : `<p><a href="/preferences/${token}">${escapeHtml(texts.more)}</a></p>`;
}
