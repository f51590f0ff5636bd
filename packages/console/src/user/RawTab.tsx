import { Code, Group, Paper, Stack, Title } from '@mantine/core';
import { EndOfUser } from '../preferences/EndOfUser.tsx';
import { CopyButton } from '../shell/CopyButton.tsx';
import { t } from '../text/text.ts';
import type { KnownUser } from './use-user.ts';

/** The profile as the API returns it, and the actions that end a user. */
export function RawTab({ userId, user }: { userId: string; user: KnownUser }) {
  const text = JSON.stringify({ user_id: userId, ...user.profile }, null, 2);
  return (
    <Stack gap="xl">
      <Stack gap="xs" component="section" aria-label={t('Profile')}>
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('Profile')}
          </Title>
          <CopyButton
            label={t('Copy JSON')}
            getText={() => text}
            said={t('The profile is copied.')}
            testId="copy-profile"
          />
        </Group>
        <Paper withBorder>
          <Code block data-testid="raw-profile" tabIndex={0}>
            {text}
          </Code>
        </Paper>
      </Stack>
      <EndOfUser userId={userId} />
    </Stack>
  );
}
