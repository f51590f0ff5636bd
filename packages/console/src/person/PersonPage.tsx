import { Group, Skeleton, Stack, Title } from '@mantine/core';
import { IconUserCircle } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { getAudit } from '../api.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { buildTimeline } from './entries.ts';
import { ProfileCard } from './ProfileCard.tsx';
import { Timeline } from './Timeline.tsx';
import { WaitsCard } from './WaitsCard.tsx';
import { WhyPanel } from './WhyPanel.tsx';

const POLL_MS = 4000;

/** All about one person: who they are, what happened, what they were told, and why not the rest. */
export function PersonPage({ userId, eventId }: { userId: string; eventId: string | null }) {
  const audit = useInfiniteQuery({
    queryKey: ['audit', userId],
    queryFn: ({ pageParam }) => getAudit(userId, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    // Live while only the newest page is shown; somebody who reads older pages is not disturbed.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) > 1 ? false : POLL_MS),
  });
  const pages = audit.data?.pages;
  const entries = useMemo(() => (pages === undefined ? [] : buildTimeline(pages)), [pages]);
  return (
    <Stack gap="md">
      <Group gap="xs" wrap="nowrap" className="person-title">
        <IconUserCircle size={30} stroke={1.5} aria-hidden="true" />
        <Title order={2} className="break" data-testid="person-id">
          {userId}
        </Title>
      </Group>
      {audit.error && <ProblemView problem={audit.error} retry={() => audit.refetch()} />}
      {audit.isPending && <Skeleton height={360} />}
      {pages !== undefined && (
        <div className="person-columns">
          <aside className="person-side">
            <ProfileCard profile={pages[0]?.profile ?? null} />
            <WaitsCard userId={userId} zone={pages[0]?.profile?.time_zone ?? null} />
            <WhyPanel userId={userId} />
          </aside>
          <Timeline
            userId={userId}
            entries={entries}
            eventId={eventId}
            hasOlder={audit.hasNextPage}
            loading={audit.isFetchingNextPage}
            loadOlder={() => audit.fetchNextPage()}
          />
        </div>
      )}
    </Stack>
  );
}
