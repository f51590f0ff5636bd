import type { ReactNode } from 'react';
import { DialogButton } from '../shell/DialogButton.tsx';
import { type JobDialogProps, openJobDialog } from './shown-job.ts';

interface JobButtonProps extends JobDialogProps {
  readonly leftSection?: ReactNode;
  readonly testId: string;
}

/** Button that starts a job after a dialog with a preview. The dialog stays when the button goes away. */
export function JobButton({ leftSection, testId, ...dialog }: JobButtonProps) {
  return (
    <DialogButton label={dialog.label} leftSection={leftSection} onOpen={() => openJobDialog(dialog)} testId={testId} />
  );
}
