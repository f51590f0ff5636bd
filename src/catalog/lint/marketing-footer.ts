import type { CatalogData, Template } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Report } from './findings.ts';

/** Variables that a marketing email shows by law. */
const NEEDED = ['unsubscribe_url', 'postal_address'] as const;

/** Reports marketing emails that do not show what the law wants: Tidings then adds a footer, which the author should know of. */
export function checkMarketingFooter({ notifications, templates }: CatalogData, report: Report): void {
  const marketing = new Set(notifications.filter(({ category }) => category === 'MARKETING').map(({ name }) => name));
  const missing = new Map<string, Set<string>>();
  for (const { notificationType: type, channel, parts } of templates) {
    if (!marketing.has(type) || !CHANNEL_DESCRIPTORS[channel].hasUnsubscribeHeader) continue;
    for (const name of NEEDED.filter((one) => isMissing(parts, one))) {
      missing.set(type, (missing.get(type) ?? new Set()).add(`{{${name}}}`));
    }
  }
  for (const [type, names] of missing) {
    const message = `an email of ${type} shows no ${[...names].join(' and no ')}: a footer with the legal name, the postal address and a link to unsubscribe is added to it`;
    report(
      'footer_added',
      ['notifications', type],
      message,
      `write {{legal_name}} and ${[...names].join(' and ')} in it`,
    );
  }
}

/** Whether a part that readers see lacks a variable. */
function isMissing({ text, html }: Template['parts'], name: string): boolean {
  const shown = new RegExp(`\\{\\{[^{}]*\\b${name}\\b`);
  return [text, html].some((part) => part !== undefined && !shown.test(part));
}
