import type { ReactNode } from 'react';
import { getItemScopes } from '../../../../src/model/job.ts';
import { DialogButton } from '../shell/DialogButton.tsx';
import { type JobDialogProps, openJobDialog } from './shown-job.ts';

interface JobButtonProps extends JobDialogProps {
  readonly leftSection?: ReactNode;
  readonly testId: string;
}

/** Button that starts a job after a dialog with a preview, for those who may do it. The dialog stays when the button goes away. */
export function JobButton({ leftSection, testId, ...dialog }: JobButtonProps) {
  return (
    <DialogButton
      needs={['jobs:read', 'jobs:write', ...getItemScopes(dialog.request.action, 'write')]}
      label={dialog.label}
      leftSection={leftSection}
      onOpen={() => openJobDialog(dialog)}
      testId={testId}
    />
  );
}
