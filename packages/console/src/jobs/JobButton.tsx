import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { type JobDialogProps, openJobDialog } from './JobDialog.tsx';

interface JobButtonProps extends JobDialogProps {
  readonly leftSection?: ReactNode;
  readonly testId: string;
}

/** Button that starts a job after a dialog with a preview. The dialog stays when the button goes away. */
export function JobButton({ leftSection, testId, ...dialog }: JobButtonProps) {
  return (
    <Button
      size="xs"
      variant="default"
      leftSection={leftSection}
      onClick={() => openJobDialog(dialog)}
      data-action={testId}
      data-testid={testId}
    >
      {dialog.label}
    </Button>
  );
}
