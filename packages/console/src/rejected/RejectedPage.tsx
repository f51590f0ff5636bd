import { Paper, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { RejectedEvent } from '@tidings/client/types';
import { useState } from 'react';
import { getSources } from '../api/connections.ts';
import { getRejectedEvents } from '../api/rejected.ts';
import { linkToRejected } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { RejectedGroups } from './RejectedGroups.tsx';
import { RejectedRow } from './RejectedRow.tsx';
import { type AcceptedRetry, RetryAccepted } from './RetryAccepted.tsx';

const getId = (event: RejectedEvent): string => event.rejected_id;

/** Page of rejected events, each with its reason and a retry button. `source`: of which they are; null: all. */
export function RejectedPage({ source }: { source: string | null }) {
  const list = useLivePages<RejectedEventsResponse, RejectedEvent>({
    key: ['rejected', source],
    load: (after) => getRejectedEvents(source, after),
    mergePages,
    getId,
    topics: ['rejected'],
    every: PAGE_MS,
  });
  // An accepted event leaves the list; its result is shown above.
  const [accepted, setAccepted] = useState<AcceptedRetry[]>([]);
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Rejected events')}</PageTitle>
      <Text size="sm" c="dimmed" maw={720}>
        {t(
          'These events were rejected, and no rule evaluated them. Each event stays here until it is accepted or dismissed. Addresses are masked.',
        )}
      </Text>
      <SourceFilter source={source} />
      {source === null && <RejectedGroups />}
      <Stack gap="xs" role="status">
        {accepted.map((one) => (
          <RetryAccepted key={one.rejected.rejected_id} accepted={one} />
        ))}
      </Stack>
      <LiveList
        list={list}
        empty={
          <EmptyState
            title={source === null ? t('No rejected events') : t('No rejected events of {source}', { source })}
          >
            {t('An event appears here when it is rejected, with the reason.')}
          </EmptyState>
        }
      >
        {(events) => (
          <Paper withBorder component="ol" className="rows">
            {events.map((rejected) => (
              <RejectedRow
                key={getId(rejected)}
                rejected={rejected}
                onAccepted={(one) => setAccepted([one, ...accepted])}
              />
            ))}
          </Paper>
        )}
      </LiveList>
    </Stack>
  );
}

/** Links to the rejected events of each source of the catalog. Renders nothing for a catalog without sources. */
function SourceFilter({ source }: { source: string | null }) {
  const list = useQuery({ queryKey: ['sources'], queryFn: getSources });
  const names = list.data?.sources.map(({ name }) => name) ?? [];
  const shown = source === null || names.includes(source) ? names : [...names, source];
  if (shown.length === 0) return null;
  return (
    <nav className="filter" aria-label={t('Source')}>
      <a href={linkToRejected()} aria-current={source === null || undefined}>
        {t('All')}
      </a>
      {shown.map((name) => (
        <a
          key={name}
          href={linkToRejected(name)}
          aria-current={name === source || undefined}
          data-testid="source-filter"
        >
          {name}
        </a>
      ))}
    </nav>
  );
}

type RejectedEventsResponse = Awaited<ReturnType<typeof getRejectedEvents>>;

function mergePages(pages: readonly RejectedEventsResponse[]): RejectedEvent[] {
  return uniqueBy(
    pages.flatMap((page) => page.rejected),
    getId,
  );
}
