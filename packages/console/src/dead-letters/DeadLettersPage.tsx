import { Anchor, Paper, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Delivery } from '@tidings/client/types';
import { getDeadLetterGroups, getDeadLetters } from '../api/deliveries.ts';
import { DeliveryTable } from '../deliveries/DeliveryTable.tsx';
import { MessageDialog } from '../message/MessageDialog.tsx';
import { linkToDeadLetters } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { LoadMoreButton } from '../shell/LoadMoreButton.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { NewItemsButton } from '../shell/NewItemsButton.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { DeadLetterGroupRow } from './DeadLetterGroupRow.tsx';
import { compareGroups } from './fault-look.ts';

/** Deliveries that failed, by reason; or those of one group. */
export function DeadLettersPage({ group }: { group: string | null }) {
  return group === null ? <GroupsPage /> : <GroupPage group={group} />;
}

function GroupsPage() {
  const list = useQuery({
    queryKey: ['dead-letters', 'groups'],
    queryFn: getDeadLetterGroups,
    meta: { topics: ['dead_letters'], every: PAGE_MS },
  });
  const container = useKeptFocus();
  const groups = list.data?.groups.toSorted(compareGroups);
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Failed deliveries')}</PageTitle>
      {list.error && <ProblemView problem={list.error} retry={() => list.refetch()} />}
      {groups === undefined && list.error === null && <Skeleton height={320} />}
      {groups?.length === 0 && (
        <Paper withBorder>
          <EmptyState title={t('No failed deliveries')}>
            {t(
              'A delivery appears here, under its reason, when it cannot be sent, or when it is not known whether it was.',
            )}
          </EmptyState>
        </Paper>
      )}
      {groups !== undefined && groups.length > 0 && (
        <Paper withBorder component="ul" className="rows" aria-label={t('Groups of failed deliveries')}>
          {groups.map((one) => (
            <DeadLetterGroupRow key={one.group} group={one} />
          ))}
        </Paper>
      )}
    </Stack>
  );
}

const getId = (delivery: Delivery): string => delivery.delivery_id;

function GroupPage({ group }: { group: string }) {
  const list = useLivePages<GroupResponse, Delivery>({
    key: ['dead-letters', group],
    load: (after) => getDeadLetters(group, after),
    mergePages,
    getId,
    topics: ['dead_letters'],
    every: PAGE_MS,
  });
  const container = useKeptFocus();
  const summary = list.newest?.group;
  return (
    <Stack gap="md" ref={container}>
      <PageTitle>{t('Failed deliveries of a group')}</PageTitle>
      <Anchor href={linkToDeadLetters(null)} size="sm">
        {t('All groups')}
      </Anchor>
      {list.error && <ProblemView problem={list.error} retry={list.retry} />}
      {summary && (
        <Paper withBorder component="ul" className="rows" aria-label={t('The group')}>
          <DeadLetterGroupRow group={summary} />
        </Paper>
      )}
      <NewItemsButton newItems={list.newItems} />
      {list.items === undefined && list.error === null && <Skeleton height={320} />}
      {list.items !== undefined && list.items.length > 0 && (
        <DeliveryTable deliveries={list.items} testId="dead-letters" />
      )}
      <LoadMoreButton older={list.older} />
      <MessageDialog />
    </Stack>
  );
}

type GroupResponse = Awaited<ReturnType<typeof getDeadLetters>>;

function mergePages(pages: readonly GroupResponse[]): Delivery[] {
  return uniqueBy(
    pages.flatMap((page) => page.deliveries),
    getId,
  );
}
