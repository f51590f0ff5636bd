import { Button, Group, Paper, Stack, TextInput } from '@mantine/core';
import type { CorrelatedEntry } from '@tidings/client/types';
import { useCallback, useState } from 'react';
import { getCorrelated } from '../api/audit.ts';
import { linkToCorrelation, openLink } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { t } from '../text/text.ts';
import { CorrelatedRow } from './CorrelatedRow.tsx';

const POLL_MS = 5000;
const getId = (entry: CorrelatedEntry): string =>
  entry.kind === 'event' ? `${entry.user_id} ${entry.event.event_id}` : entry.notification.notification_id;

/** Page of what a correlation id led to: events and notifications of all users, newest first. `id` null: none is entered yet. */
export function CorrelationPage({ id }: { id: string | null }) {
  const [text, setText] = useState(id ?? '');
  return (
    <Stack gap="md">
      <PageTitle>{t('Correlation')}</PageTitle>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') openLink(linkToCorrelation(text.trim()));
        }}
      >
        <Group gap="sm" align="flex-end">
          <TextInput
            label={t('Correlation ID')}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            flex={1}
            maw={520}
          />
          <Button type="submit">{t('Find')}</Button>
        </Group>
      </form>
      {id !== null && <Correlated id={id} />}
    </Stack>
  );
}

function Correlated({ id }: { id: string }) {
  const load = useCallback((after: string | null) => getCorrelated(id, after), [id]);
  const list = useLivePages<CorrelatedResponse, CorrelatedEntry>({
    key: ['correlation', id],
    load,
    mergePages,
    getId,
    topics: ['events', 'notifications'],
    every: POLL_MS,
  });
  return (
    <LiveList
      list={list}
      empty={
        <EmptyState title={t('Nothing is stored under this correlation ID')}>
          {t('Events that have it in their context appear here, with the notifications that they led to.')}
        </EmptyState>
      }
    >
      {(entries) => (
        <Paper withBorder component="ol" className="rows">
          {entries.map((entry) => (
            <CorrelatedRow key={getId(entry)} entry={entry} />
          ))}
        </Paper>
      )}
    </LiveList>
  );
}

type CorrelatedResponse = Awaited<ReturnType<typeof getCorrelated>>;

function mergePages(pages: readonly CorrelatedResponse[]): CorrelatedEntry[] {
  return uniqueBy(
    pages.flatMap((page) => page.entries),
    getId,
  );
}
