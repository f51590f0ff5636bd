import { escapeHtml } from '../lib/text/escape-html.ts';
import { listLookupLocales } from '../lib/text/locale.ts';
import type { Variables } from '../model/catalog.ts';
import type { Message } from '../model/delivery.ts';
import type { TenantProfile } from '../model/tenant.ts';
import { isBlankText } from './blank.ts';

/** Facts that a marketing email must show (CAN-SPAM, 15 U.S.C. 7704). */
export interface MarketingFooter {
  readonly legalName: string;
  /** Lines of an address; empty: the tenant has no address. */
  readonly postalAddress: string;
  /** URL under which the reader unsubscribes. */
  readonly unsubscribeUrl: string;
}

/** Words of the link, by language. */
const UNSUBSCRIBE: { readonly [language: string]: string } = {
  de: 'Abmelden',
  en: 'Unsubscribe',
  es: 'Cancelar la suscripción',
  fr: 'Se désabonner',
  it: 'Annulla l’iscrizione',
  pt: 'Cancelar a subscrição',
};

const STYLE =
  'margin:24px auto 0;padding:16px;max-width:600px;font:12px/18px Arial,Helvetica,sans-serif;color:#555555;background:#ffffff;text-align:center';

/**
 * Returns the name and address of the sender, in the order in which the variables `legal_name` and `postal_address` of
 * templates have them: of the variables of the tenant, of its settings, or else the defaults of the catalog.
 * @param declared variables of the type, and of the catalog
 */
export function toSenderFacts(
  { name, settings }: TenantProfile,
  ...declared: readonly (Variables | undefined)[]
): Omit<MarketingFooter, 'unsubscribeUrl'> {
  const find = (variable: 'legal_name' | 'postal_address'): string => {
    const defaults = declared.map((variables) => variables?.[variable]?.default);
    const all = [settings.variables?.[variable], settings[variable], ...defaults];
    return (all.find((one) => typeof one === 'string' && !isBlankText(one)) as string | undefined) ?? '';
  };
  return { legalName: find('legal_name') || name, postalAddress: find('postal_address') };
}

/** Returns an email of which each part shows the footer: those that show name, address and link already are as they were. */
export function addMarketingFooter(message: Message, footer: MarketingFooter, locale: string): Message {
  const { text, html } = message;
  const word = listLookupLocales(locale).flatMap((one) => UNSUBSCRIBE[one] ?? [])[0] ?? (UNSUBSCRIBE.en as string);
  return {
    ...message,
    text: isComplete(text, footer, (part) => part) ? text : `${text}${toTextFooter(footer, word)}`,
    ...(html !== undefined && {
      html: isComplete(html, footer, escapeHtml) ? html : insertAtEnd(html, toHtmlFooter(footer, word)),
    }),
  };
}

function isComplete(
  part: string,
  { legalName, postalAddress, unsubscribeUrl }: MarketingFooter,
  toForm: (text: string) => string,
): boolean {
  const shown = toOneLine(part);
  return (
    part.includes(unsubscribeUrl) && [legalName, postalAddress].every((one) => shown.includes(toOneLine(toForm(one))))
  );
}

function toOneLine(text: string): string {
  return text.replace(/\s+|<br\s{0,9}\/?>/gi, ' ').trim();
}

function toTextFooter({ legalName, postalAddress, unsubscribeUrl }: MarketingFooter, word: string): string {
  const lines = [legalName, postalAddress, `${word}: ${unsubscribeUrl}`].filter((line) => line !== '');
  return `\n\n-- \n${lines.join('\n')}`;
}

function toHtmlFooter({ legalName, postalAddress, unsubscribeUrl }: MarketingFooter, word: string): string {
  const lines = [legalName, ...postalAddress.split('\n')].filter((line) => line !== '').map(escapeHtml);
  const link = `<a href="${escapeHtml(unsubscribeUrl)}" style="color:#555555;text-decoration:underline">${escapeHtml(word)}</a>`;
  return `<div style="${STYLE}">${[...lines, link].join('<br>')}</div>`;
}

function insertAtEnd(html: string, part: string): string {
  const end = html.toLowerCase().lastIndexOf('</body');
  return end === -1 ? html + part : html.slice(0, end) + part + html.slice(end);
}
