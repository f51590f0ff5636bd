import { Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { mergeUser } from '../api/users.ts';
import { linkToUserTab, openLink } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconSplit } from '../shell/icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';

/** The merge of a user, which cannot be undone, for who may do it. */
export function EndOfUser({ userId }: { userId: string }) {
  const can = useScopes();
  if (!can('users:write')) return null;
  return (
    <Stack gap="xs" component="section" aria-label={t('What cannot be undone')}>
      <Title order={2} size="h4">
        {t('What cannot be undone')}
      </Title>
      <Group gap="xs">
        <MergeButton userId={userId} />
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
      needs="users:write"
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
