import { Anchor, CloseButton, Drawer } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { t } from '../text/text.ts';

interface PeekProps {
  readonly opened: boolean;
  readonly title: ReactNode;
  /** Address of the page about the same thing; absent: it has no page. */
  readonly href?: string;
  readonly onClose: () => void;
  /** Goes to the next row of the list, or to the one before; absent: the drawer is not over a list. */
  readonly onStep?: (by: 1 | -1) => void;
  readonly children: ReactNode;
}

/**
 * Drawer over a list that shows the thing of one row, while the list stays. `j` and `k` go through the rows; Escape closes it. The same
 * thing has a page of its own, to which the drawer links.
 */
export function Peek({ opened, title, href, onClose, onStep, children }: PeekProps) {
  useHotkeys(
    opened && onStep
      ? [
          ['j', () => onStep(1)],
          ['k', () => onStep(-1)],
        ]
      : [],
  );
  return (
    <Drawer.Root opened={opened} onClose={onClose} position="right" size="min(640px, 100vw)">
      <Drawer.Overlay />
      <Drawer.Content data-testid="peek">
        <div className="dialog-head">
          <Drawer.Title className="break peek-title">{title}</Drawer.Title>
          <span className="peek-links">
            {href !== undefined && (
              <Anchor size="sm" href={href}>
                {t('Open as a page')}
              </Anchor>
            )}
            <CloseButton aria-label={t('Close')} onClick={onClose} />
          </span>
        </div>
        <Drawer.Body>{children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}
