import { Button } from '@mantine/core';
import { t } from '../text/text.ts';
import type { LivePages } from './live-pages.ts';

/** Button that loads the next page of a list. Renders nothing after the last page. */
export function LoadMoreButton({ older }: { older: LivePages<unknown, unknown>['older'] }) {
  if (!older.exist) return null;
  return (
    <Button variant="default" fullWidth loading={older.loading} onClick={older.load} data-testid="load-older">
      {t('Load more')}
    </Button>
  );
}
