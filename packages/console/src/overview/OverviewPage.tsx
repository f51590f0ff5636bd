import { Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricSeries } from '@tidings/client/types';

import { getSeries } from '../api/overview.ts';
import {
  linkToDeadLetters,
  linkToDeliveries,
  linkToOverview,
  linkToOverviewOf,
  openLink,
  RANGES,
  type Range,
  type TimeSpan,
} from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { LazyPlace, lazyPart } from '../shell/lazy-part.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { OutcomeChart, TimeChart } from './OutcomeChart.tsx';
import { ProblemStrip } from './ProblemStrip.tsx';
import { SpanControls } from './SpanControls.tsx';
import { OUTCOMES } from './series.ts';
import { Tiles } from './Tiles.tsx';

/** Parts that come after what is seen first, or are rarely seen. */
const FirstEventIfNone = lazyPart(() => import('./FirstEventIfNone.tsx'), 'FirstEventIfNone');
const OutcomeTable = lazyPart(() => import('./ChartTables.tsx'), 'OutcomeTable');
const TimeTable = lazyPart(() => import('./ChartTables.tsx'), 'TimeTable');
const TypeTables = lazyPart(() => import('./TypeTables.tsx'), 'TypeTables');

const HOUR = 3_600_000;
const POLL_MS = 60_000;
const GRAINS = { '1h': 'minute', '6h': 'minute', '24h': 'hour', '7d': 'hour', '30d': 'day', '90d': 'day' } as const;

/** State of the tenant: problems, numbers of a day, charts of a span, and types that stand out. `span`: in the place of the range. */
export function OverviewPage({ range, span }: { range: Range; span: TimeSpan | null }) {
  const series = useQuery({
    queryKey: ['overview', 'series', span === null ? range : `${span.since} ${span.until}`],
    queryFn: () =>
      span === null
        ? getSeries(Date.now() - RANGES[range] * HOUR, Date.now(), GRAINS[range])
        : getSeries(Date.parse(span.since), Date.parse(span.until), null),
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  return (
    <Stack gap="lg">
      <PageTitle>{t('Overview')}</PageTitle>
      <ProblemStrip />
      {series.data?.points.every(({ metrics }) => metrics.events === 0) && (
        <LazyPlace>
          <FirstEventIfNone />
        </LazyPlace>
      )}
      <Tiles />
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t('Messages by outcome')}
        </Title>
        <nav className="filter" aria-label={t('Span')}>
          {(Object.keys(RANGES) as Range[]).map((each) => (
            <a key={each} href={linkToOverview(each)} aria-current={(span === null && each === range) || undefined}>
              {SPANS[each]}
            </a>
          ))}
        </nav>
      </Group>
      {series.error && <ProblemView problem={series.error} retry={() => void series.refetch()} />}
      {series.data ? <Charts series={series.data} /> : series.isPending && <Skeleton height={260} />}
      <LazyPlace fallback={<Skeleton height={260} />}>
        <TypeTables range={range} span={span} />
      </LazyPlace>
    </Stack>
  );
}

const SPANS: Record<Range, string> = {
  '1h': t('1 hour'),
  '6h': t('6 hours'),
  '24h': t('24 hours'),
  '7d': t('7 days'),
  '30d': t('30 days'),
  '90d': t('90 days'),
};

const zoomTo = (span: TimeSpan) => openLink(linkToOverviewOf(span));

function Charts({ series }: { series: MetricSeries }) {
  const span = { since: series.from, until: series.to };
  return (
    <>
      <Paper withBorder p="md">
        <OutcomeChart series={series} onZoom={zoomTo} />
        <SpanControls span={span} toLink={linkToOverviewOf} />
        <ul className="legend" aria-label={t('Outcomes')}>
          {OUTCOMES.map(({ key, label, color, count }) => (
            <li key={key}>
              <span className="legend-mark" style={{ background: `var(--mantine-color-${color})` }} />
              {label} {formatCount(sum(series, count))}
            </li>
          ))}
          <li>
            <a href={linkToDeliveries(null, span)}>{t('See deliveries')}</a>
          </li>
          <li>
            <a href={linkToDeadLetters(null)}>{t('Failed deliveries')}</a>
          </li>
        </ul>
        <Disclosure label={t('As a table')} testId="outcome-table-button">
          <LazyPlace fallback={<Skeleton height={160} />}>
            <OutcomeTable series={series} />
          </LazyPlace>
        </Disclosure>
      </Paper>
      <Title order={2} size="h4">
        {t('Time until a provider accepted a message, holds included')}
      </Title>
      <Paper withBorder p="md">
        <TimeChart series={series} />
        <ul className="legend" aria-label={t('Lines')}>
          <li>
            <span className="legend-line" data-line="average" /> {t('Average')}
          </li>
          <li>
            <span className="legend-line" data-line="p95" /> {t('95 of 100 took at most this long')}
          </li>
        </ul>
        <Disclosure label={t('As a table')} testId="time-table-button">
          <LazyPlace fallback={<Skeleton height={160} />}>
            <TimeTable series={series} />
          </LazyPlace>
        </Disclosure>
      </Paper>
      <Text size="xs" c="dimmed" data-testid="as-of">
        <T
          text="A message counts in the minute in which it ended, and its receipts with it. Counted until {time}; days are those of UTC."
          values={{ time: <Time value={series.as_of} as="full" /> }}
        />
      </Text>
    </>
  );
}

const sum = (series: MetricSeries, count: (typeof OUTCOMES)[number]['count']): number =>
  series.points.reduce((total, { metrics }) => total + count(metrics), 0);
