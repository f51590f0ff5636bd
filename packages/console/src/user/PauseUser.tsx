import { NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { pauseUser } from '../api/users.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconPause } from '../shell/icons.tsx';
import { t } from '../text/text.ts';

const HOUR_MS = 3_600_000;

/** Lengths in hours that are offered; the longest is the longest that messages wait. */
const LENGTHS: { readonly [hours: string]: string } = {
  '1': t('1 hour'),
  '24': t('1 day'),
  '72': t('3 days'),
  '168': t('7 days'),
  '336': t('14 days'),
};

/** Button that holds the messages to a user until a time. */
export function PauseUser({ userId }: { userId: string }) {
  const queries = useQueryClient();
  const [hours, setHours] = useState('24');
  const [until, setUntil] = useState('');
  const [reason, setReason] = useState('');
  const end = () => (hours === '' ? new Date(until) : new Date(Date.now() + Number(hours) * HOUR_MS));
  const pause = async () => {
    await pauseUser(userId, { until: end().toISOString(), reason: reason.trim() });
    await queries.invalidateQueries({ queryKey: ['preferences', userId] });
    setReason('');
    return t('Messages to {user} are paused.', { user: userId });
  };
  return (
    <ConfirmButton
      needs="preferences:write"
      label={t('Pause messages')}
      leftSection={<IconPause size={14} />}
      isFilled={reason.trim() !== '' && (hours !== '' || until !== '')}
      act={pause}
      testId="pause-user"
    >
      <Stack gap="sm">
        <Text size="sm">
          {t(
            'Messages to this user are held until then, also those that are in the queue. Urgent, required and security messages still go, and those to their inbox. Messages that would wait for more than 14 days, with quiet hours after the pause, are dropped.',
          )}
        </Text>
        <NativeSelect
          label={t('For')}
          value={hours}
          onChange={(event) => setHours(event.currentTarget.value)}
          data={[
            ...Object.entries(LENGTHS).map(([value, label]) => ({ value, label })),
            { value: '', label: t('until a time') },
          ]}
          data-testid="pause-length"
        />
        {hours === '' && (
          <TextInput
            type="datetime-local"
            label={t('Until, at most in 14 days')}
            value={until}
            onChange={(event) => setUntil(event.currentTarget.value)}
            data-testid="pause-until"
          />
        )}
        <TextInput
          label={t('Reason')}
          description={t('Shown to those who ask why a message waits, and not to the user.')}
          value={reason}
          maxLength={200}
          onChange={(event) => setReason(event.currentTarget.value)}
          autoComplete="off"
          data-testid="pause-reason"
        />
      </Stack>
    </ConfirmButton>
  );
}
