import { Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { eraseUser, mergeUser } from '../api/users.ts';
import { linkToJobs, linkToUserTab, openLink } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconSplit } from '../shell/icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** Merge and erasure of a user, which cannot be undone; each is there for who may do it. */
export function EndOfUser({ userId }: { userId: string }) {
  const can = useScopes();
  const [canMerge, canErase] = [can('users:write'), can('users:erase')];
  if (!canMerge && !canErase) return null;
  return (
    <Stack gap="xs" component="section" aria-label={t('What cannot be undone')}>
      <Title order={2} size="h4">
        {t('What cannot be undone')}
      </Title>
      <Group gap="xs">
        {canMerge && <MergeButton userId={userId} />}
        {canErase && <EraseButton userId={userId} />}
      </Group>
    </Stack>
  );
}

function MergeButton({ userId }: { userId: string }) {
  const [into, setInto] = useState('');
  const queries = useQueryClient();
  const merge = async () => {
    await mergeUser(userId, into.trim());
    await queries.invalidateQueries();
    openLink(linkToUserTab(into.trim(), 'raw'));
    return t('{user} was merged into {other}.', { user: userId, other: into.trim() });
  };
  return (
    <ConfirmButton
      label={t('Merge user')}
      leftSection={<IconSplit size={14} />}
      color="red"
      typed={userId}
      isFilled={into.trim() !== '' && into.trim() !== userId}
      act={merge}
      testId="merge-user"
    >
      <Text size="sm">
        {t(
          'What is open of this user, and later events of this ID, go to another one. Of what the two said, a withdrawal and what is newer win.',
        )}
      </Text>
      <TextInput
        label={t('ID of the user that stays')}
        value={into}
        onChange={(event) => setInto(event.currentTarget.value)}
        autoComplete="off"
        data-testid="merge-into"
      />
    </ConfirmButton>
  );
}

function EraseButton({ userId }: { userId: string }) {
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const erase = async () => {
    await eraseUser(userId, reason.trim());
    await queries.invalidateQueries();
    return t('The erasure has begun.');
  };
  return (
    <ConfirmButton
      label={t('Erase user')}
      leftSection={<IconBan size={14} />}
      color="red"
      typed={userId}
      act={erase}
      testId="erase-user"
    >
      <Text size="sm">
        <T
          text="Everything about this user is deleted, also messages and consents. Events from before are rejected from then on. See <a>Jobs</a> for its progress."
          values={{ a: (children) => <a href={linkToJobs()}>{children}</a> }}
        />
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
