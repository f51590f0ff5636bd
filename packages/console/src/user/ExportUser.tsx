import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { exportUser } from '../api/users.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconDownload } from '../shell/page-icons.tsx';
import { saveBlob } from '../shell/save-file.ts';
import { t } from '../text/text.ts';

/** Button that saves everything about a user as a file. */
export function ExportUser({ userId }: { userId: string }) {
  const [reason, setReason] = useState('');
  const save = async () => {
    saveBlob('user.tar', await exportUser(userId, reason.trim()));
    return t('The export is saved.');
  };
  return (
    <ConfirmButton
      needs="personal_data:read"
      label={t('Export user')}
      leftSection={<IconDownload size={14} />}
      isFilled={reason.trim() !== ''}
      act={save}
      testId="export-user"
    >
      <Text size="sm">
        {t('Everything that is stored about this user, with addresses and messages as they are, as a tar archive.')}
      </Text>
      <TextInput
        label={t('Reason, for the audit log')}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        autoComplete="off"
        data-testid="export-reason"
      />
    </ConfirmButton>
  );
}
