import { Button } from '@mantine/core';
import type { ReactNode } from 'react';

interface DialogButtonProps {
  readonly label: string;
  readonly leftSection?: ReactNode;
  readonly onOpen: () => void;
  /** Also identifies the button among those of its row, so that focus returns to the same one of the next row. */
  readonly testId: string;
}

/** Button that opens a dialog before anything happens. */
export function DialogButton({ label, leftSection, onOpen, testId }: DialogButtonProps) {
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={leftSection}
      onClick={onOpen}
      data-action={testId}
      data-testid={testId}
    >
      {label}
    </Button>
  );
}
