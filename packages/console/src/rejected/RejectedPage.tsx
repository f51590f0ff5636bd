import { Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { getRefused, type RefusedEvent } from '../api.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LoadMoreButton } from '../shell/LoadMoreButton.tsx';
import { useLivePages } from '../shell/live-pages.ts';
import { NewItemsButton } from '../shell/NewItemsButton.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { RejectedRow } from './RejectedRow.tsx';
import { RetryAccepted, type Taken } from './RetryAccepted.tsx';

const POLL_MS = 4000;
const idOf = (event: RefusedEvent): string => event.rejected_id;

/** Events that were not taken in, why, and another try. */
export function RejectedPage() {
  const list = useLivePages<RefusedAnswer, RefusedEvent>({
    key: ['refused'],
    load: getRefused,
    join,
    idOf,
    pollMs: POLL_MS,
  });
  // An event that is taken in leaves the list: what became of it is told above.
  const [taken, setTaken] = useState<Taken[]>([]);
  return (
    <Stack gap="md">
      <PageTitle>Refused events</PageTitle>
      <Text size="sm" c="dimmed" maw={720}>
        They were not taken in, and nobody was told anything because of them. Each is kept until it is taken in;
        addresses are hidden.
      </Text>
      {list.error && <ProblemView problem={list.error} retry={list.retry} />}
      <NewItemsButton fresh={list.fresh} />
      <Stack gap="xs" role="status">
        {taken.map((one) => (
          <RetryAccepted key={one.refused.rejected_id} taken={one} />
        ))}
      </Stack>
      {list.items === undefined && list.error === null && <Skeleton height={320} />}
      {list.items?.length === 0 && (
        <Paper withBorder>
          <EmptyState title="No refused events">
            An event that cannot be taken in shows here, with the reason.
          </EmptyState>
        </Paper>
      )}
      {list.items !== undefined && list.items.length > 0 && (
        <Paper withBorder component="ol" className="rows">
          {list.items.map((refused) => (
            <RejectedRow key={idOf(refused)} refused={refused} onTaken={(one) => setTaken([one, ...taken])} />
          ))}
        </Paper>
      )}
      <LoadMoreButton older={list.older} />
    </Stack>
  );
}

type RefusedAnswer = Awaited<ReturnType<typeof getRefused>>;

function join(pages: readonly RefusedAnswer[]): RefusedEvent[] {
  return uniqueBy(
    pages.flatMap((page) => page.rejected),
    idOf,
  );
}
