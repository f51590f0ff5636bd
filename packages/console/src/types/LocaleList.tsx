import { VisuallyHidden } from '@mantine/core';
import type { CatalogNotification } from '../api/types.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

/** Locales of the templates of a type; one that lacks a channel is marked with what is missing. */
export function LocaleList({ type: { channels, locales } }: { type: CatalogNotification }) {
  if (locales.length === 0) return <span className="quiet">{t('none')}</span>;
  // A channel without any template shows what Tidings says by itself.
  const written = channels.filter((channel) => locales.some((one) => one.channels.includes(channel)));
  return (
    <ul className="locales">
      {locales.map(({ locale, channels: known }) => {
        const missing = written.filter((channel) => !known.includes(channel));
        const isComplete = missing.length === 0;
        const without = t('without {channels}', {
          channels: missing.map((channel) => CHANNELS[channel]?.label ?? channel).join(', '),
        });
        return (
          <li key={locale} data-missing={!isComplete || undefined} title={isComplete ? undefined : without}>
            {isComplete ? locale : `–${locale}`}
            {!isComplete && <VisuallyHidden>, {without}</VisuallyHidden>}
          </li>
        );
      })}
    </ul>
  );
}
