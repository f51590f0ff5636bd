import { Modal, type ModalRootProps } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';
import { t } from '../text/text.ts';

interface DialogProps extends Pick<ModalRootProps, 'size' | 'onExitTransitionEnd' | 'returnFocus'> {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: ReactNode;
  readonly children: ReactNode;
}

/** Dialog with a title and a button that closes it. (The header of the library would be a second banner of the page.) */
export function Dialog({ title, opened, children, ...props }: DialogProps) {
  // Not open from the first moment on, as one that is loaded when it is needed would be: the library gives the focus back only to what had
  // it when a dialog of the page was opened.
  const [isMounted, setMounted] = useState(false);
  useEffect(() => setMounted(true), []);
  return (
    <Modal.Root centered {...props} opened={opened && isMounted}>
      <Modal.Overlay />
      <Modal.Content>
        <div className="dialog-head">
          <Modal.Title className="break">{title}</Modal.Title>
          <Modal.CloseButton aria-label={t('Close')} />
        </div>
        <Modal.Body ref={markFirstField}>{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** Lets the first field have the focus, and not the button that closes the dialog, unless something else asks for it. */
function markFirstField(body: HTMLElement | null): void {
  if (body?.querySelector('[data-autofocus]') === null) {
    body.querySelector('input:not([type=file]), select, textarea')?.setAttribute('data-autofocus', '');
  }
}
