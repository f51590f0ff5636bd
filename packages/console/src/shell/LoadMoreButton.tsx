import { Button } from '@mantine/core';
import { t } from '../text/text.ts';
import type { LivePages } from './live-pages.ts';

interface LoadMoreButtonProps {
  readonly older: LivePages<unknown, unknown>['older'];
  /** Whether it loads what comes before a list. */
  readonly isNewer?: boolean;
}

/** Button that loads the next page of a list. Renders nothing after the last page. */
export function LoadMoreButton({ older, isNewer = false }: LoadMoreButtonProps) {
  if (!older.exist) return null;
  return (
    <Button
      variant="default"
      fullWidth
      loading={older.loading}
      onClick={older.load}
      data-testid={isNewer ? 'load-newer' : 'load-older'}
    >
      {isNewer ? t('Load newer ones') : t('Load more')}
    </Button>
  );
}
