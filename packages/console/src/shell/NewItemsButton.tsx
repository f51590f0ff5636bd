import { Button } from '@mantine/core';
import { IconArrowUp } from './icons.tsx';
import type { LivePages } from './live-pages.ts';
import { focusHeading } from './page-change.ts';

/** Says that something has come while older pages are looked at, and goes to it. */
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
          {newItems.count}
          {newItems.orMore && ' or more'} new
        </Button>
      )}
    </div>
  );
}
