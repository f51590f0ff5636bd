import { Group, Stack } from '@mantine/core';
import type { Delivery } from '@tidings/client/types';
import { getDeliveries } from '../api/deliveries.ts';
import type { DeliveryStatus } from '../api/types.ts';
import { JobButton } from '../jobs/JobButton.tsx';
import { linkToDeliveries } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { IconBan, IconRefresh } from '../shell/icons.tsx';
import { LiveList } from '../shell/LiveList.tsx';
import { PAGE_POLL_MS, useLivePages } from '../shell/live-pages.ts';
import { getLook, STATUSES } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { uniqueBy } from '../shell/unique-by.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { DeliveryTable } from './DeliveryTable.tsx';
import { QueueNotice } from './QueueNotice.tsx';

const getId = (delivery: Delivery): string => delivery.delivery_id;
const ALL_STATUSES = Object.keys(STATUSES) as DeliveryStatus[];

/** Deliveries by status: sent, pending, and those that need an operator. */
export function DeliveriesPage({ status: requested }: { status: string | null }) {
  const status = ALL_STATUSES.find((each) => each === requested) ?? null;
  const list = useLivePages<DeliveriesResponse, Delivery>({
    key: ['deliveries', status],
    load: (after) => getDeliveries(status, after),
    mergePages,
    getId,
    pollMs: PAGE_POLL_MS,
  });
  const deliveries = list.items;
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <Group justify="space-between">
        <PageTitle>Deliveries</PageTitle>
        {deliveries !== undefined && deliveries.length > 0 && <ActOnAll status={status} />}
      </Group>
      <nav className="filter" aria-label="Status">
        <a href={linkToDeliveries(null)} aria-current={status === null || undefined}>
          All
        </a>
        {ALL_STATUSES.map((each) => {
          const { Icon, label, color } = STATUSES[each];
          return (
            <a key={each} href={linkToDeliveries(each)} aria-current={each === status || undefined}>
              <Icon size={15} color={`var(--mantine-color-${color}-5)`} />
              {label}
            </a>
          );
        })}
      </nav>
      <QueueNotice />
      <LiveList
        list={list}
        empty={
          <EmptyState
            title={
              status === null ? 'No deliveries yet' : `No deliveries with status “${getLook(STATUSES, status).label}”`
            }
          >
            {status === null
              ? 'A delivery appears here when a rule decides to send a notification.'
              : 'A delivery appears here when it reaches this status.'}
          </EmptyState>
        }
      >
        {(items) => <DeliveryTable deliveries={items} testId="deliveries" />}
      </LiveList>
    </Stack>
  );
}

/** Button that retries or cancels every delivery of a status, also those that are not loaded. */
function ActOnAll({ status }: { status: DeliveryStatus | null }) {
  if (status === 'queued') {
    return (
      <JobButton
        request={{ action: 'deliveries.cancel', filter: {} }}
        label="Cancel all"
        note="Deliveries that are queued are cancelled. A message that is being sent cannot be called back."
        leftSection={<IconBan size={14} />}
        testId="cancel-all"
      />
    );
  }
  if (status !== 'dead' && status !== 'undeliverable' && status !== 'in_doubt') return null;
  return (
    <JobButton
      request={{ action: 'deliveries.retry', filter: { status: [status] } }}
      label="Retry all"
      note={
        status === 'in_doubt'
          ? 'These messages may have been sent already. If you retry, users may receive them twice.'
          : 'The deliveries are queued again. Messages are rendered again, so they use corrected templates.'
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
