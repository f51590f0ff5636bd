import { Modal, type ModalRootProps } from '@mantine/core';
import type { ReactNode } from 'react';
import { t } from '../text/text.ts';

interface DialogProps extends Pick<ModalRootProps, 'size' | 'onExitTransitionEnd' | 'returnFocus'> {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: ReactNode;
  readonly children: ReactNode;
}

/** Dialog with a title and a button that closes it. (The header of the library would be a second banner of the page.) */
export function Dialog({ title, children, ...props }: DialogProps) {
  return (
    <Modal.Root centered {...props}>
      <Modal.Overlay />
      <Modal.Content>
        <div className="dialog-head">
          <Modal.Title className="break">{title}</Modal.Title>
          <Modal.CloseButton aria-label={t('Close')} />
        </div>
        <Modal.Body>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
