import { Alert, Anchor, Skeleton, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useMemo } from 'react';
import { type AuditPlace, getAuditAt } from '../api/audit.ts';
import { Problem } from '../api/call.ts';
import { linkToUserTab } from '../route.ts';
import { PAGE_MS } from '../shell/live-pages.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { buildTimeline } from './entries.ts';
import { Timeline } from './Timeline.tsx';

interface EventsAroundProps {
  readonly userId: string;
  readonly eventId: string;
  /** Shown below the notice that there is no such event. */
  readonly notFound: ReactNode;
}

/** The event of a link, in the middle of those before and after it, of which more are loaded on demand. */
export function EventsAround({ userId, eventId, notFound }: EventsAroundProps) {
  const queryKey = ['audit', userId, 'around', eventId];
  const pages = useQueryClient().getQueryData<{ pages: readonly unknown[] }>(queryKey)?.pages.length ?? 1;
  const audit = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => getAuditAt(userId, pageParam),
    initialPageParam: { around: eventId } as AuditPlace,
    getNextPageParam: ({ next }): AuditPlace | null => (next === null ? null : { after: next }),
    getPreviousPageParam: ({ previous }): AuditPlace | null => (previous === null ? null : { before: previous }),
    // Fresh states of the messages are seen while it is one page.
    meta: pages === 1 ? { topics: ['events', 'deliveries', 'waits'], every: PAGE_MS } : {},
    refetchOnWindowFocus: false,
  });
  const entries = useMemo(() => audit.data && buildTimeline(audit.data.pages), [audit.data]);
  if (audit.error instanceof Problem && audit.error.code === 'not_found') {
    return (
      <Stack gap="md">
        <Alert variant="light" role="status" data-testid="event-not-found">
          <Text size="sm">{t('The event in this link was not found.')}</Text>
        </Alert>
        {notFound}
      </Stack>
    );
  }
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToUserTab(userId, 'timeline')} data-testid="latest-events">
        {t('To the latest events')}
      </Anchor>
      {audit.error && <ProblemView problem={audit.error} retry={() => audit.refetch()} />}
      {audit.isPending && <Skeleton height={360} />}
      {entries && (
        <Timeline
          userId={userId}
          entries={entries}
          eventId={eventId}
          older={{
            exist: audit.hasNextPage,
            loading: audit.isFetchingNextPage,
            load: () => void audit.fetchNextPage(),
          }}
          newer={{
            exist: audit.hasPreviousPage,
            loading: audit.isFetchingPreviousPage,
            load: () => void audit.fetchPreviousPage(),
          }}
        />
      )}
    </Stack>
  );
}
