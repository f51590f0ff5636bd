import { Paper, Stack, Text } from '@mantine/core';
import type { RejectedEvent } from '@tidings/client/types';
import { useState } from 'react';
import { getRejectedEvents } from '../api/rejected.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_POLL_MS, useLivePages } from '../shell/live-pages.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { RejectedGroups } from './RejectedGroups.tsx';
import { RejectedRow } from './RejectedRow.tsx';
import { type AcceptedRetry, RetryAccepted } from './RetryAccepted.tsx';

const getId = (event: RejectedEvent): string => event.rejected_id;

/** Page of rejected events, each with its reason and a retry button. */
export function RejectedPage() {
  const list = useLivePages<RejectedEventsResponse, RejectedEvent>({
    key: ['rejected'],
    load: getRejectedEvents,
    mergePages,
    getId,
    pollMs: PAGE_POLL_MS,
  });
  // An accepted event leaves the list; its result is shown above.
  const [accepted, setAccepted] = useState<AcceptedRetry[]>([]);
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>Rejected events</PageTitle>
      <Text size="sm" c="dimmed" maw={720}>
        These events were rejected, and no rule evaluated them. Each event stays here until it is accepted or dismissed.
        Addresses are masked.
      </Text>
      <RejectedGroups />
      <Stack gap="xs" role="status">
        {accepted.map((one) => (
          <RetryAccepted key={one.rejected.rejected_id} accepted={one} />
        ))}
      </Stack>
      <LiveList
        list={list}
        empty={
          <EmptyState title="No rejected events">
            An event appears here when it is rejected, with the reason.
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

type RejectedEventsResponse = Awaited<ReturnType<typeof getRejectedEvents>>;

function mergePages(pages: readonly RejectedEventsResponse[]): RejectedEvent[] {
  return uniqueBy(
    pages.flatMap((page) => page.rejected),
    getId,
  );
}
