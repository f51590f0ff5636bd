import { Button } from '@mantine/core';
import { t } from '../text/text.ts';
import { IconArrowUp } from './icons.tsx';
import type { LivePages } from './live-pages.ts';
import { focusHeading } from './page-change.ts';

/** Button that shows new items, which arrived while older pages are shown, and scrolls to them. */
export function NewItemsButton({ newItems }: { newItems: LivePages<unknown, unknown>['newItems'] }) {
  const show = () => {
    newItems.show();
    scrollTo(0, 0);
    focusHeading();
  };
  return (
    <div role="status" className="new-items">
      {newItems.count > 0 && (
        <Button size="xs" radius="xl" leftSection={<IconArrowUp size={14} />} onClick={show}>
          {t('{orMore, select, true {Show {count, number} or more new} other {Show {count, number} new}}', {
            count: newItems.count,
            orMore: newItems.orMore,
          })}
        </Button>
      )}
    </div>
  );
}
