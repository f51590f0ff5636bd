import type { CatalogData } from '../../model/catalog.ts';
import { HOSTED_PART } from '../../templates/template.ts';
import type { Report } from './findings.ts';

const SHOWN = /\{\{[^{}]*\bconfirm_url\b/;

/** Reports messages that ask for a confirmation of consent and do not show its link. What a provider keeps cannot be looked at. */
export function checkDoubleOptIn({ preferences, templates }: CatalogData, report: Report): void {
  for (const [purpose, { type, keywords }] of Object.entries(preferences?.doubleOptIn ?? {})) {
    // A reply confirms it as well.
    if (keywords) continue;
    const channel = purpose.slice(purpose.indexOf('/') + 1);
    const isSilent = templates.some(
      ({ notificationType, parts, ...template }) =>
        notificationType === type &&
        template.channel === channel &&
        !Object.hasOwn(parts, HOSTED_PART) &&
        // Another part of an email shows the same.
        [parts.text, parts.html].some((part) => part !== undefined && !SHOWN.test(part)),
    );
    if (!isSilent) continue;
    const message = `a template of ${type} for ${channel} asks for a confirmation, and shows no {{confirm_url}}`;
    report('no_confirmation_link', ['consent', purpose], message, 'write {{confirm_url}} in each of its parts');
  }
}
