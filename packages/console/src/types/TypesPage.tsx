import { NativeSelect, Paper, Skeleton, Stack, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { formatCosts } from '../analytics/MetricTiles.tsx';
import { formatRate } from '../analytics/metric-filter.ts';
import { getCatalog } from '../api/catalog.ts';
import { getGroupsOf } from '../api/metrics.ts';
import { Spark } from '../overview/OutcomeChart.tsx';
import { formatNumber } from '../overview/series.ts';
import { linkToType, setParameter, useParameter } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { type RowPlace, VirtualRows } from '../shell/VirtualRows.tsx';
import { LocaleList } from './LocaleList.tsx';
import { mergeTypes, SORTS, sortTypes, type TypeRow } from './type-rows.ts';

const TYPE_DAYS = 28;
const DAY = 86_400_000;
const POLL_MS = 300_000;
const ROW_HEIGHT = 64;
const NUMBERS = ['Sent', 'Delivered', 'Opened', 'Clicked', 'Unsubscribed', 'Cost'] as const;
const COLUMNS = ['Type', `${TYPE_DAYS} days`, ...NUMBERS, 'Locales'];

/** The notification types of the catalog, each with the last 28 days in numbers. */
export function TypesPage() {
  const may = useScopes();
  const [typed] = useParameter('q');
  const text = typed ?? '';
  const [sort] = useParameter('sort');
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog });
  const sums = useQuery({
    queryKey: ['metrics', 'types'],
    queryFn: () => {
      const now = Date.now();
      // Whole days of UTC, today's the last one.
      const from = new Date(Math.floor(now / DAY) * DAY - (TYPE_DAYS - 1) * DAY).toISOString();
      return getGroupsOf({ from, to: new Date(now).toISOString() }, 'type', 'day');
    },
    enabled: may('deliveries:read'),
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  const rows = useMemo(
    () => catalog.data && mergeTypes(catalog.data.notifications, sums.data?.groups ?? []),
    [catalog.data, sums.data],
  );
  const shown = useMemo(() => rows && sortTypes(filterTypes(rows, text), sort), [rows, text, sort]);
  return (
    <Stack gap="md">
      <PageTitle>Notification types</PageTitle>
      <div className="section-head">
        <TextInput
          size="xs"
          aria-label="Find a type"
          placeholder="Part of a name, description or category"
          w={300}
          value={text}
          onChange={(event) => setParameter('q', event.currentTarget.value || null)}
          autoComplete="off"
          data-testid="types-find"
        />
        <NativeSelect
          size="xs"
          aria-label="Order"
          data={Object.entries(SORTS).map(([value, { label }]) => ({ value, label }))}
          value={sort ?? 'sent'}
          onChange={(event) => setParameter('sort', event.currentTarget.value)}
          data-testid="types-sort"
        />
      </div>
      {catalog.error && <ProblemView problem={catalog.error} retry={() => void catalog.refetch()} />}
      {sums.error && <ProblemView problem={sums.error} retry={() => void sums.refetch()} />}
      {catalog.isPending && <Skeleton height={320} />}
      {rows?.length === 0 && (
        <EmptyState title="No notification types">
          Write them into notifications.yaml and apply the catalog: a type names its category and channels.
        </EmptyState>
      )}
      {rows !== undefined && rows.length > 0 && shown?.length === 0 && (
        <EmptyState title="No type matches">Write another part of its name, description or category.</EmptyState>
      )}
      {shown !== undefined && shown.length > 0 && (
        <>
          <Text size="xs" c="dimmed" data-testid="types-count">
            {shown.length.toLocaleString()} {shown.length === 1 ? 'type' : 'types'}; numbers of the last {TYPE_DAYS}{' '}
            days, in UTC. Shares are of what was sent or, from “Opened” on, of what was delivered.
          </Text>
          <Paper withBorder>
            <Table
              verticalSpacing="xs"
              horizontalSpacing="sm"
              className="facts types"
              aria-rowcount={shown.length + 1}
              data-testid="types"
            >
              <Table.Thead>
                <Table.Tr>
                  {COLUMNS.map((heading) => (
                    <Table.Th key={heading} data-number={isNumber(heading)}>
                      {heading}
                    </Table.Th>
                  ))}
                </Table.Tr>
              </Table.Thead>
              <VirtualRows items={shown} getId={({ type }) => type.name} height={ROW_HEIGHT} columns={COLUMNS.length}>
                {(row, place) => <Row key={row.type.name} row={row} place={place} />}
              </VirtualRows>
            </Table>
          </Paper>
        </>
      )}
    </Stack>
  );
}

const isNumber = (heading: string) => (NUMBERS as readonly string[]).includes(heading) || undefined;

function filterTypes(rows: readonly TypeRow[], text: string): readonly TypeRow[] {
  const part = text.trim().toLowerCase();
  if (part === '') return rows;
  return rows.filter(({ type: { name, description = '', category } }) =>
    [name, description, category].some((one) => one.toLowerCase().includes(part)),
  );
}

function Row({ row: { type, sums }, place }: { row: TypeRow; place: RowPlace }) {
  const metrics = sums?.metrics;
  const cells: readonly (readonly [heading: string, text: string])[] = [
    ['Sent', metrics ? formatNumber(metrics.sent + metrics.sandboxed) : '–'],
    ['Delivered', formatRate(metrics?.delivery_rate ?? null)],
    ['Opened', formatRate(metrics?.open_rate ?? null)],
    ['Clicked', formatRate(metrics?.click_rate ?? null)],
    ['Unsubscribed', formatRate(metrics?.unsubscribe_rate ?? null)],
    ['Cost', formatCosts(sums?.costs ?? null)],
  ];
  return (
    <Table.Tr {...place} data-row data-testid="type-row">
      <Table.Td data-heading="Type">
        <a className="name" href={linkToType(type.name)} data-testid="type-link">
          {type.name}
        </a>
        <Text size="xs" c="dimmed">
          {type.category.toLowerCase()},{' '}
          {type.channels.map((channel) => CHANNELS[channel]?.label ?? channel).join(', ')}
        </Text>
      </Table.Td>
      <Table.Td data-heading={`${TYPE_DAYS} days`} className="type-spark">
        {sums?.trend?.some((value) => value > 0) && <Spark values={sums.trend} />}
      </Table.Td>
      {cells.map(([heading, text]) => (
        <Table.Td key={heading} data-heading={heading} data-number>
          {text}
        </Table.Td>
      ))}
      <Table.Td data-heading="Locales">
        <LocaleList type={type} />
      </Table.Td>
    </Table.Tr>
  );
}
