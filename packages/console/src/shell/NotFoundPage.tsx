import { t } from '../text/text.ts';
import { EmptyState } from './EmptyState.tsx';

/** Shown at an address without a page. */
export function NotFoundPage() {
  return (
    <EmptyState title={t('Page not found')} isPage>
      {t('Choose a page from the menu.')}
    </EmptyState>
  );
}
