import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { getTypes } from '../api/overview.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToDeliveries, linkToTemplates, RANGES, type Range } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { countFailed, findQuiet, formatNumber, type TypeSums } from './series.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const POLL_MS = 60_000;
const SLOW_POLL_MS = 600_000;
const ROWS = 5;

/** Messages in a day below which silence says nothing. */
const MIN_USUAL = 10;

const getKey = ({ key }: TypeSums) => key;
const share = (rate: number | null) => (rate === null ? '–' : `${(100 * rate).toFixed(1)}%`);
const typeLink = ({ key }: TypeSums): ReactNode => (
  <a className="name" href={linkToTemplates(key)}>
    {key}
  </a>
);

/** Notification types with the most messages and the most failures in the span, and those that no longer speak. */
export function TypeTables({ range }: { range: Range }) {
  const types = useQuery({
    queryKey: ['overview', 'types', range],
    queryFn: () => getTypes(Date.now() - RANGES[range] * HOUR, Date.now()),
    refetchInterval: POLL_MS,
    placeholderData: (shown) => shown,
  });
  const groups = types.data?.groups.filter(({ key }) => key !== '') ?? [];
  const byVolume = groups.toSorted((a, b) => b.metrics.planned - a.metrics.planned).slice(0, ROWS);
  const byFailure = groups
    .filter(({ metrics }) => countFailed(metrics) > 0)
    .sort((a, b) => countFailed(b.metrics) - countFailed(a.metrics))
    .slice(0, ROWS);
  return (
    <div className="overview-tables">
      {types.error && <ProblemView problem={types.error} retry={() => void types.refetch()} />}
      <Part title="Most messages" isEmpty={byVolume.length === 0} empty="No messages in this span.">
        <FactRows
          testId="top-volume"
          items={byVolume}
          getId={getKey}
          columns={{
            Type: typeLink,
            Messages: ({ key, metrics }) => (
              <a href={linkToDeliveries(null, { type: key, since: range })}>{formatNumber(metrics.planned)}</a>
            ),
            Delivered: ({ metrics }) => share(metrics.delivery_rate),
          }}
        />
      </Part>
      <Part title="Most failures" isEmpty={byFailure.length === 0} empty="No failures in this span.">
        <FactRows
          testId="top-failures"
          items={byFailure}
          getId={getKey}
          columns={{
            Type: typeLink,
            Failed: ({ key, metrics }) => (
              <a href={linkToDeliveries(metrics.dead > 0 ? 'dead' : 'undeliverable', { type: key, since: range })}>
                {formatNumber(countFailed(metrics))}
              </a>
            ),
            'Of all': ({ metrics }) => share(metrics.planned === 0 ? null : countFailed(metrics) / metrics.planned),
          }}
        />
      </Part>
      <QuietTypes />
    </div>
  );
}

/** Types that had messages in the same 24 hours a week before, and none now. */
function QuietTypes() {
  const now = useQuery({
    // As the tables of this span have them.
    queryKey: ['overview', 'types', '24h'],
    queryFn: () => getTypes(Date.now() - DAY, Date.now()),
    refetchInterval: POLL_MS,
  });
  const before = useQuery({
    queryKey: ['overview', 'types', 'week before'],
    queryFn: () => getTypes(Date.now() - 8 * DAY, Date.now() - 7 * DAY),
    refetchInterval: SLOW_POLL_MS,
    staleTime: SLOW_POLL_MS,
  });
  if (!now.data || !before.data) return null;
  const quiet = findQuiet(before.data.groups, now.data.groups, MIN_USUAL).slice(0, ROWS);
  return (
    <Part
      title="Quiet since a day"
      isEmpty={quiet.length === 0}
      empty={`Each type with ${MIN_USUAL} messages or more a week before still has some.`}
    >
      <FactRows
        testId="quiet-types"
        items={quiet}
        getId={getKey}
        columns={{
          Type: typeLink,
          'A week before': ({ metrics }) => formatNumber(metrics.planned),
          Now: () => 'none',
        }}
      />
    </Part>
  );
}

interface PartProps {
  readonly title: string;
  readonly isEmpty: boolean;
  readonly empty: string;
  readonly children: ReactNode;
}

function Part({ title, isEmpty, empty, children }: PartProps) {
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {isEmpty ? (
        <Text size="sm" c="dimmed">
          {empty}
        </Text>
      ) : (
        children
      )}
    </Stack>
  );
}
