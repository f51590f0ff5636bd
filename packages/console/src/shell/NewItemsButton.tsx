import { Button } from '@mantine/core';
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
          Show {newItems.count}
          {newItems.orMore && ' or more'} new
        </Button>
      )}
    </div>
  );
}
