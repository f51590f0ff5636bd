import { Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { getRefused, type RefusedEvent } from '../api.ts';
import { Nothing } from '../shell/EmptyState.tsx';
import { OlderButton } from '../shell/LoadMoreButton.tsx';
import { useLivePages } from '../shell/live-pages.ts';
import { FreshButton } from '../shell/NewItemsButton.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { firsts } from '../shell/unique-by.ts';
import { RefusedRow } from './RejectedRow.tsx';
import { type Taken, TakenIn } from './RetryAccepted.tsx';

const POLL_MS = 4000;
const idOf = (event: RefusedEvent): string => event.rejected_id;

/** Events that were not taken in, why, and another try. */
export function RefusedPage() {
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
      <FreshButton fresh={list.fresh} />
      <Stack gap="xs" role="status">
        {taken.map((one) => (
          <TakenIn key={one.refused.rejected_id} taken={one} />
        ))}
      </Stack>
      {list.items === undefined && list.error === null && <Skeleton height={320} />}
      {list.items?.length === 0 && (
        <Paper withBorder>
          <Nothing title="No refused events">An event that cannot be taken in shows here, with the reason.</Nothing>
        </Paper>
      )}
      {list.items !== undefined && list.items.length > 0 && (
        <Paper withBorder component="ol" className="rows">
          {list.items.map((refused) => (
            <RefusedRow key={idOf(refused)} refused={refused} onTaken={(one) => setTaken([one, ...taken])} />
          ))}
        </Paper>
      )}
      <OlderButton older={list.older} />
    </Stack>
  );
}

type RefusedAnswer = Awaited<ReturnType<typeof getRefused>>;

function join(pages: readonly RefusedAnswer[]): RefusedEvent[] {
  return firsts(
    pages.flatMap((page) => page.rejected),
    idOf,
  );
}
