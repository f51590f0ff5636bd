import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Needs, useScopes } from './use-scopes.ts';

interface DialogButtonProps {
  /** Scopes without which it is not shown. */
  readonly needs: Needs;
  readonly label: string;
  readonly leftSection?: ReactNode;
  readonly onOpen: () => void;
  /** Also identifies the button among those of its row, so that focus returns to the same one of the next row. */
  readonly testId: string;
}

/** Button that opens a dialog before anything happens, for those who may do it. */
export function DialogButton({ needs, label, leftSection, onOpen, testId }: DialogButtonProps) {
  const may = useScopes();
  if (!may(needs)) return null;
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
