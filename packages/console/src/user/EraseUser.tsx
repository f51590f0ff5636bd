import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { eraseUser } from '../api/users.ts';
import { linkToUserTab, openLink } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan } from '../shell/icons.tsx';
import { t } from '../text/text.ts';

/** Button that erases a user, after their ID was typed; the address that it leads to shows how far it is. */
export function EraseUser({ userId }: { userId: string }) {
  const [reason, setReason] = useState('');
  const erase = async () => {
    const { erasure_id: id } = await eraseUser(userId, reason.trim());
    openLink(`${linkToUserTab(userId, 'why')}?erasure=${encodeURIComponent(id)}`);
    return t('The erasure has begun.');
  };
  return (
    <ConfirmButton
      needs="users:erase"
      label={t('Erase user')}
      leftSection={<IconBan size={14} />}
      color="red"
      typed={userId}
      act={erase}
      testId="erase-user"
    >
      <Text size="sm">
        {t(
          'Everything about this user is deleted, also messages and consents. Events from before are rejected from then on.',
        )}
      </Text>
      <TextInput
        label={t('Reason, for the audit log; without names')}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        autoComplete="off"
        data-testid="erase-reason"
      />
    </ConfirmButton>
  );
}
