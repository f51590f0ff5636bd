import { NativeSelect, Paper, Skeleton, Stack, Table, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { formatCosts } from '../analytics/MetricTiles.tsx';
import { formatRate } from '../analytics/metric-filter.ts';
import { getCatalog } from '../api/catalog.ts';
import { getGroupsOf } from '../api/metrics.ts';
import { Spark } from '../overview/OutcomeChart.tsx';
import { countOut, formatNumber } from '../overview/series.ts';
import { linkToType, setParameter, useParameter } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { type RowPlace, VirtualRows } from '../shell/VirtualRows.tsx';
import { t } from '../text/text.ts';
import { LocaleList } from './LocaleList.tsx';
import { mergeTypes, SORTS, sortTypes, type TypeRow } from './type-rows.ts';

const TYPE_DAYS = 28;
const DAY = 86_400_000;
const POLL_MS = 300_000;
const ROW_HEIGHT = 64;

/** Columns with numbers, by their heading. */
const NUMBERS: { readonly [heading: string]: (sums: TypeRow['sums']) => string } = {
  [t('Sent')]: (sums) => (sums ? formatNumber(countOut(sums.metrics)) : '–'),
  [t('Delivered')]: (sums) => formatRate(sums?.metrics.delivery_rate ?? null),
  [t('Opened')]: (sums) => formatRate(sums?.metrics.open_rate ?? null),
  [t('Clicked')]: (sums) => formatRate(sums?.metrics.click_rate ?? null),
  [t('Unsubscribed')]: (sums) => formatRate(sums?.metrics.unsubscribe_rate ?? null),
  [t('Cost')]: (sums) => formatCosts(sums?.costs ?? null),
};
const SPAN = t('{count, plural, one {# day} other {# days}}', { count: TYPE_DAYS });
const COLUMNS = [t('Type'), SPAN, ...Object.keys(NUMBERS), t('Locales')];

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
      <PageTitle>{t('Notification types')}</PageTitle>
      <div className="section-head">
        <TextInput
          size="xs"
          aria-label={t('Find a type')}
          placeholder={t('Part of a name, description or category')}
          w={300}
          value={text}
          onChange={(event) => setParameter('q', event.currentTarget.value || null)}
          autoComplete="off"
          data-testid="types-find"
        />
        <NativeSelect
          size="xs"
          aria-label={t('Order')}
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
        <EmptyState title={t('No notification types')}>
          {t('Write them into notifications.yaml and apply the catalog: a type names its category and channels.')}
        </EmptyState>
      )}
      {rows !== undefined && rows.length > 0 && shown?.length === 0 && (
        <EmptyState title={t('No type matches')}>
          {t('Write another part of its name, description or category.')}
        </EmptyState>
      )}
      {shown !== undefined && shown.length > 0 && (
        <>
          <Text size="xs" c="dimmed" data-testid="types-count">
            {t(
              '{count, plural, one {# type} other {# types}}; numbers of the last {days, number} days, in UTC. Shares are of what was sent or, from “Opened” on, of what was delivered.',
              { count: shown.length, days: TYPE_DAYS },
            )}
          </Text>
          <Paper withBorder>
            <Table
              verticalSpacing="xs"
              horizontalSpacing="sm"
              className="facts types"
              data-wide
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

const isNumber = (heading: string) => heading in NUMBERS || undefined;

function filterTypes(rows: readonly TypeRow[], text: string): readonly TypeRow[] {
  const part = text.trim().toLowerCase();
  if (part === '') return rows;
  return rows.filter(({ type: { name, description = '', category } }) =>
    [name, description, category].some((one) => one.toLowerCase().includes(part)),
  );
}

function Row({ row: { type, sums }, place }: { row: TypeRow; place: RowPlace }) {
  return (
    <Table.Tr {...place} data-row data-testid="type-row">
      <Table.Td data-heading={t('Type')}>
        <a className="name" href={linkToType(type.name)} data-testid="type-link">
          {type.name}
        </a>
        <Text size="xs" c="dimmed">
          {type.category.toLowerCase()},{' '}
          {type.channels.map((channel) => CHANNELS[channel]?.label ?? channel).join(', ')}
        </Text>
      </Table.Td>
      <Table.Td data-heading={SPAN} className="type-spark">
        {sums?.trend?.some((value) => value > 0) && <Spark values={sums.trend} />}
      </Table.Td>
      {Object.entries(NUMBERS).map(([heading, format]) => (
        <Table.Td key={heading} data-heading={heading} data-number>
          {format(sums)}
        </Table.Td>
      ))}
      <Table.Td data-heading={t('Locales')}>
        <LocaleList type={type} />
      </Table.Td>
    </Table.Tr>
  );
}
