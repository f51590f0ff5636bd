import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Delivery, DeliveryCounts } from '@tidings/client/types';
import { useRef } from 'react';
import { getDeliveries, getDeliveryCounts } from '../api/deliveries.ts';
import type { DeliveryStatus } from '../api/types.ts';
import { FilterBar } from '../filters/FilterBar.tsx';
import { toQuery } from '../filters/filter.ts';
import { JobButton } from '../jobs/JobButton.tsx';
import { MessageDialog } from '../message/MessageDialog.tsx';
import { type DeliveryFilter, linkToDeliveries } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { IconBan, IconRefresh } from '../shell/icons.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_MS, useLivePages } from '../shell/live-pages.ts';
import { getLook, STATUSES } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Time } from '../shell/Time.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { DeliveryTable } from './DeliveryTable.tsx';
import { toApiFilter, toFields, toJobFilter } from './delivery-filter.ts';
import { QueueNotice } from './QueueNotice.tsx';

const getId = (delivery: Delivery): string => delivery.delivery_id;
const ALL_STATUSES = Object.keys(STATUSES) as DeliveryStatus[];
/** Counts look at many rows, and are asked for less often than the list. */
const COUNTS_POLL_MS = 20_000;

/** Deliveries by a filter: sent, pending, and those that need an operator. */
export function DeliveriesPage({ filter }: { filter: DeliveryFilter }) {
  // An unknown status is asked for as well: the API says what is wrong with it.
  const key = toQuery(filter);
  // The pages of a list are of one span: "2 hours ago" is that of its first page.
  const begun = useRef({ key, at: Date.now() });
  if (begun.current.key !== key) begun.current = { key, at: Date.now() };
  const list = useLivePages<DeliveriesResponse, Delivery>({
    key: ['deliveries', key],
    load: (after) => getDeliveries(toApiFilter(filter, begun.current.at), after),
    mergePages,
    getId,
    topics: ['deliveries'],
    every: PAGE_MS,
  });
  const counts = useQuery({
    queryKey: ['deliveries', 'counts', key],
    queryFn: () => getDeliveryCounts(toApiFilter(filter, begun.current.at)),
    meta: { topics: ['deliveries'], every: COUNTS_POLL_MS },
    placeholderData: (shown) => shown,
  });
  const deliveries = list.items;
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <Group justify="space-between">
        <PageTitle>{t('Deliveries')}</PageTitle>
        {deliveries !== undefined && deliveries.length > 0 && <ActOnAll filter={filter} at={begun.current.at} />}
      </Group>
      <StatusLinks filter={filter} counts={counts.data} />
      <FilterBar
        page="deliveries"
        path={linkToDeliveries(null)}
        fields={toFields(counts.data?.counts)}
        filter={filter}
        atLeast={counts.data?.at_least ?? false}
      />
      {counts.data && (
        <Text size="sm" c="dimmed" data-testid="delivery-total">
          <Total counts={counts.data} />
        </Text>
      )}
      <QueueNotice />
      <MessageDialog />
      {deliveries?.length === 0 && list.older.exist && (
        <Text size="sm" data-testid="not-yet-found">
          {t('None of the latest deliveries match. Load more to look further back, or narrow the time.')}
        </Text>
      )}
      <LiveList list={list} empty={<NoDeliveries filter={filter} />}>
        {(items) => <DeliveryTable deliveries={items} testId="deliveries" />}
      </LiveList>
    </Stack>
  );
}

/** Number of deliveries, and how far back they were counted. */
function Total({ counts: { total, at_least: atLeast, since } }: { counts: DeliveryCounts }) {
  return (
    <T
      text="{atLeast, select, true {At least {total, plural, one {# delivery} other {# deliveries}}} other {{total, plural, one {# delivery} other {# deliveries}}}}{hasSince, select, true {, counted back to {time}} other {}}"
      values={{ atLeast, total, hasSince: since !== null, time: since !== null && <Time value={since} as="full" /> }}
    />
  );
}

function NoDeliveries({ filter: { status, ...others } }: { filter: DeliveryFilter }) {
  if (Object.values(others).some((value) => value !== null)) {
    return (
      <EmptyState title={t('No deliveries match this filter')}>
        {t('Remove a part of it, or choose a longer time.')}
      </EmptyState>
    );
  }
  const look = status === null ? null : getLook(STATUSES, status as DeliveryStatus);
  return look === null ? (
    <EmptyState title={t('No deliveries yet')}>
      {t('A delivery appears here when a rule decides to send a notification.')}
    </EmptyState>
  ) : (
    <EmptyState title={t('No deliveries with status “{status}”', { status: look.label })}>
      {t('A delivery appears here when it reaches this status.')}
    </EmptyState>
  );
}

/** Links to the deliveries of each status, with how many there are. */
function StatusLinks({ filter, counts }: { filter: DeliveryFilter; counts: DeliveryCounts | undefined }) {
  const { status, ...others } = filter;
  return (
    <nav className="filter" aria-label={t('Status')}>
      <a href={linkToDeliveries(null, others)} aria-current={status === null || undefined}>
        {t('All')}
      </a>
      {ALL_STATUSES.map((each) => {
        const { Icon, label, color } = STATUSES[each];
        const found = counts?.counts.status?.find(({ value }) => value === each);
        return (
          <a key={each} href={linkToDeliveries(each, others)} aria-current={each === status || undefined}>
            <Icon size={15} color={`var(--mantine-color-${color}-5)`} />
            {label}
            {found && (
              <span className="filter-count" data-testid={`count-${each}`}>
                {formatCount(found.count)}
                {counts?.at_least && '+'}
              </span>
            )}
          </a>
        );
      })}
    </nav>
  );
}

/** Button that retries or cancels every delivery that is shown, also those that are not loaded. */
function ActOnAll({ filter, at }: { filter: DeliveryFilter; at: number }) {
  const { status, receipt, held } = filter;
  // A job would act on more than is shown.
  if (receipt !== null || held !== null) return null;
  const chosen = toJobFilter(filter, at);
  if (status === 'queued') {
    return (
      <JobButton
        request={{ action: 'deliveries.cancel', filter: chosen }}
        label={t('Cancel all')}
        note={t('Deliveries that are queued are cancelled. A message that is being sent cannot be called back.')}
        leftSection={<IconBan size={14} />}
        testId="cancel-all"
      />
    );
  }
  if (status !== 'dead' && status !== 'undeliverable' && status !== 'in_doubt') return null;
  return (
    <JobButton
      request={{ action: 'deliveries.retry', filter: { ...chosen, status: [status] } }}
      label={t('Retry all')}
      note={
        status === 'in_doubt'
          ? t('These messages may have been sent already. If you retry, users may receive them twice.')
          : t('The deliveries are queued again. Messages are rendered again, so they use corrected templates.')
      }
      leftSection={<IconRefresh size={14} />}
      testId="retry-all"
    />
  );
}

type DeliveriesResponse = Awaited<ReturnType<typeof getDeliveries>>;

function mergePages(pages: readonly DeliveriesResponse[]): Delivery[] {
  return uniqueBy(
    pages.flatMap((page) => page.deliveries),
    getId,
  );
}
