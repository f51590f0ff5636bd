import { Button } from '@mantine/core';
import { IconArrowUp } from './icons.tsx';
import type { LivePages } from './live-pages.ts';
import { focusHeading } from './page-change.ts';

/** Says that something has come while older pages are looked at, and goes to it. */
export function NewItemsButton({ fresh }: { fresh: LivePages<unknown, unknown>['fresh'] }) {
  const show = () => {
    fresh.show();
    scrollTo(0, 0);
    focusHeading();
  };
  return (
    <div role="status" className="fresh">
      {fresh.count > 0 && (
        <Button size="xs" radius="xl" leftSection={<IconArrowUp size={14} />} onClick={show}>
          {fresh.count}
          {fresh.orMore && ' or more'} new
        </Button>
      )}
    </div>
  );
}
