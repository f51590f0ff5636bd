import type { CatalogData, NotificationType, Template } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { NO_TENANT, type TenantProfile } from '../../model/tenant.ts';
import { toSenderFacts } from '../../templates/marketing-footer.ts';
import { HOSTED_PART } from '../../templates/template.ts';
import type { Report } from './findings.ts';

/** Variables that a marketing email shows by law. */
const NEEDED = ['unsubscribe_url', 'legal_name', 'postal_address'] as const;

/** Advice by which a postal address becomes known. */
export const ADDRESS_HINT =
  'add to notifications.yaml: `variables: { postal_address: { default: "Main Street 1, Springfield" } }`, or set `postal_address` in the settings of the tenant';

/** Advice by which there is a URL for links. */
export const URL_HINT =
  'set TIDINGS_PUBLIC_URL to the URL under which the readers of emails reach Tidings, and start it again';

/**
 * Reports marketing emails that do not show what the law wants: Tidings then adds a footer, which the author should know of.
 * One for which no postal address is known is an error.
 * @param sender the tenant; undefined: not known, so that an email that shows its address is left to the one that applies the
 *   catalog
 */
export function checkMarketingFooter(data: CatalogData, report: Report, sender: TenantProfile | undefined): void {
  for (const type of data.notifications) {
    const emails = data.templates.filter((template) => isMarketingEmail(type, template));
    if (emails.length === 0) continue;
    const missing = NEEDED.filter((name) => emails.some(({ parts }) => isMissing(parts, name)));
    const needsAddress = sender !== undefined || missing.includes('postal_address');
    const path = ['notifications', type.name];
    if (needsAddress && !hasPostalAddress(data, type, sender)) {
      report('no_postal_address', path, describeMissingAddress(type.name), ADDRESS_HINT);
    } else if (missing.length > 0) {
      const names = missing.map((name) => `{{${name}}}`);
      const message = `an email of ${type.name} shows no ${names.join(' and no ')}: a footer with the legal name, the postal address and a link to unsubscribe is added to it`;
      report('footer_added', path, message, `write ${names.join(' and ')} in it`);
    }
  }
}

/** Reports marketing emails of an installation that has no URL for the links by which their readers unsubscribe. */
export function checkReaderUrl(data: CatalogData, report: Report): void {
  for (const type of data.notifications) {
    if (!data.templates.some((template) => isMarketingEmail(type, template))) continue;
    report('no_public_url', ['notifications', type.name], describeMissingUrl(type.name), URL_HINT);
  }
}

export function describeMissingUrl(type: string): string {
  return `an email of ${type} is marketing, and this installation has no URL for its link to unsubscribe`;
}

export function describeMissingAddress(type: string): string {
  return `an email of ${type} is marketing, and there is no postal address of its sender to show`;
}

/** Whether a template is that of a marketing email which is rendered here: what a provider keeps cannot be looked at. */
export function isMarketingEmail(
  { name, category }: NotificationType,
  { notificationType, channel, parts }: Template,
): boolean {
  if (category !== 'MARKETING' || notificationType !== name) return false;
  return CHANNEL_DESCRIPTORS[channel].hasUnsubscribeHeader === true && !Object.hasOwn(parts, HOSTED_PART);
}

/** Whether the emails of a type have a postal address to show. */
export function hasPostalAddress(
  { variables }: Pick<CatalogData, 'variables'>,
  type: NotificationType,
  sender: TenantProfile | undefined,
): boolean {
  return toSenderFacts(sender ?? NO_TENANT, type.variables, variables).postalAddress !== '';
}

/** Whether a part that readers see lacks a variable. */
function isMissing({ text, html }: Template['parts'], name: string): boolean {
  const shown = new RegExp(`\\{\\{[^{}]*\\b${name}\\b`);
  return [text, html].some((part) => part !== undefined && !shown.test(part));
}
