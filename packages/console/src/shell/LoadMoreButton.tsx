import { Button } from '@mantine/core';
import type { LivePages } from './live-pages.ts';

/** The next page of a list; nothing when that was all. */
export function LoadMoreButton({ older }: { older: LivePages<unknown, unknown>['older'] }) {
  if (!older.exist) return null;
  return (
    <Button variant="default" fullWidth loading={older.loading} onClick={older.load} data-testid="load-older">
      Load older
    </Button>
  );
}
