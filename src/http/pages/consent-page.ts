import { escapeHtml } from '../../lib/text/escape-html.ts';
import { CATEGORIES } from '../../model/catalog.ts';
import { type PageSetting, renderFrame } from './page-frame.ts';

/** The page on which a reader confirms consent. */
export interface ConsentPage extends PageSetting {
  /** A category. */
  readonly purpose: string;
  /** Masked. */
  readonly address: string;
  readonly state: 'asked' | 'confirmed' | 'expired';
}

/** Returns the page as HTML, without scripts. */
export function renderConsentPage(page: ConsentPage): string {
  const { texts, state } = page;
  if (state === 'expired')
    return renderFrame(page, texts.confirmExpired, `<p>${escapeHtml(texts.confirmExpiredText)}</p>`);
  if (state === 'confirmed') {
    const done = `<p role="status" class="notice">${fill(texts.confirmedText, page)}</p>`;
    return renderFrame(page, texts.confirmed, done);
  }
  const form = `<form method="post"><button type="submit">${escapeHtml(texts.confirm)}</button></form>`;
  return renderFrame(page, texts.confirmTitle, `<p>${fill(texts.confirmAsk, page)}</p>${form}`);
}

function fill(text: string, { texts, purpose, address }: ConsentPage): string {
  const category = CATEGORIES.find((one) => one === purpose);
  const kind = category === undefined ? texts.thisKind : texts.categories[category];
  return escapeHtml(text.replace('{kind}', () => kind)).replace('{address}', () => `<bdi>${escapeHtml(address)}</bdi>`);
}
