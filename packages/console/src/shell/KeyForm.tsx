import { Alert, Button, Paper, PasswordInput, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { setApiKey } from '../key.ts';
import { t } from '../text/text.ts';
import { IconKey } from './icons.tsx';
import { PageTitle } from './PageTitle.tsx';

/** Form for the API key. `rejected`: the API rejected the previous key. */
export function KeyForm({ rejected }: { rejected: boolean }) {
  const [key, setKey] = useState('');
  const queries = useQueryClient();
  return (
    <Paper withBorder shadow="sm" p="xl" maw={460} mx="auto" mt={64}>
      <form
        data-testid="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (key.trim() === '') return;
          setApiKey(key.trim());
          queries.clear();
        }}
      >
        <Stack>
          <PageTitle size="h3">{t('Enter an API key')}</PageTitle>
          <Text c="dimmed" size="sm">
            {t('The key is kept in this browser tab only, until you close it.')}
          </Text>
          {rejected && <Alert color="red">{t('The API rejected this key.')}</Alert>}
          <PasswordInput
            label={t('API key')}
            autoFocus
            autoComplete="off"
            leftSection={<IconKey size={16} />}
            value={key}
            onChange={(event) => setKey(event.currentTarget.value)}
          />
          <Button type="submit" disabled={key.trim() === ''}>
            {t('Open the console')}
          </Button>
        </Stack>
      </form>
    </Paper>
  );
}
