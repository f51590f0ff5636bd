import { Button, Paper, Skeleton, Stack, Table, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type DeliveryStatus, getDeliveries } from '../api.ts';
import { deliveriesLink } from '../route.ts';
import { Nothing } from '../shell/Nothing.tsx';
import { lookOf, STATUSES } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { DeliveryRow } from './DeliveryRow.tsx';

const POLL_MS = 4000;
const ALL = Object.keys(STATUSES) as DeliveryStatus[];

/** What went out, what waits, and what needs somebody. */
export function DeliveriesPage({ status: asked }: { status: string | null }) {
  const status = ALL.find((each) => each === asked) ?? null;
  const list = useInfiniteQuery({
    queryKey: ['deliveries', status],
    queryFn: ({ pageParam }) => getDeliveries(status, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 1) > 1 ? false : POLL_MS),
  });
  const deliveries = list.data?.pages.flatMap((page) => page.deliveries);
  return (
    <Stack gap="md">
      <Title order={2}>Deliveries</Title>
      <nav className="filter" aria-label="Status">
        <a href={deliveriesLink(null)} aria-current={status === null || undefined}>
          All
        </a>
        {ALL.map((each) => {
          const { Icon, label, color } = STATUSES[each];
          return (
            <a key={each} href={deliveriesLink(each)} aria-current={each === status || undefined}>
              <Icon size={15} stroke={2} color={`var(--mantine-color-${color}-5)`} aria-hidden="true" />
              {label}
            </a>
          );
        })}
      </nav>
      {list.error && <ProblemView problem={list.error} retry={() => list.refetch()} />}
      {list.isPending && <Skeleton height={320} />}
      {deliveries?.length === 0 && (
        <Paper withBorder>
          <Nothing
            title={
              status === null ? 'Nothing has been sent yet' : `None is ${lookOf(STATUSES, status).label.toLowerCase()}`
            }
          >
            Deliveries show here as soon as a rule decides to send.
          </Nothing>
        </Paper>
      )}
      {deliveries !== undefined && deliveries.length > 0 && (
        <Paper withBorder>
          <Table
            verticalSpacing="sm"
            horizontalSpacing="md"
            highlightOnHover
            className="deliveries"
            data-testid="deliveries"
          >
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Created</Table.Th>
                <Table.Th>Person</Table.Th>
                <Table.Th>Notification</Table.Th>
                <Table.Th>Channel</Table.Th>
                <Table.Th>Status</Table.Th>
                <Table.Th aria-label="Actions" />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {deliveries.map((delivery) => (
                <DeliveryRow key={delivery.delivery_id} delivery={delivery} />
              ))}
            </Table.Tbody>
          </Table>
        </Paper>
      )}
      {list.hasNextPage && (
        <Button variant="default" loading={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
          Load older
        </Button>
      )}
    </Stack>
  );
}
