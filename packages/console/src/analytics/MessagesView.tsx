import { Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { memo } from 'react';
import { getSeriesOf } from '../api/metrics.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { toQuery } from '../filters/filter.ts';
import { OutcomeChart } from '../overview/OutcomeChart.tsx';
import { SpanControls } from '../overview/SpanControls.tsx';
import { OUTCOMES, spanOf, type Values } from '../overview/series.ts';
import { linkToAnalytics, linkToDeliveries, type MetricFilter, openLink, type TimeSpan } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { Breakdown } from './Breakdown.tsx';
import { ExportButtons } from './ExportButtons.tsx';
import { FunnelView } from './FunnelView.tsx';
import { HeldReasons } from './HeldReasons.tsx';
import { MetricTiles } from './MetricTiles.tsx';
import { hasSameFilter, toParameters, toParametersBefore, withSpan } from './metric-filter.ts';

const POLL_MS = 60_000;

/** Messages of a filter: their numbers, the course of time, how far they came, and what held back others. */
export function MessagesView({ filter, reason }: { filter: MetricFilter; reason: string | null }) {
  return (
    <Stack gap="lg">
      <DrawnTiles filter={filter} />
      <DrawnCourse filter={filter} toLink={toMessages} />
      <DrawnFunnel filter={filter} />
      <HeldReasons filter={filter} reason={reason} />
      <DrawnBreakdown filter={filter} />
    </Stack>
  );
}

const toMessages = (filter: MetricFilter) => linkToAnalytics('messages', filter);

interface CourseProps {
  readonly filter: MetricFilter;
  /** Returns the address of the same page with another filter. */
  readonly toLink: (filter: MetricFilter) => string;
}

/** Messages by outcome over time, with the same of the period before. */
export function Course({ filter, toLink }: CourseProps) {
  const key = toQuery(filter);
  const series = useQuery({
    queryKey: ['metrics', 'series', key],
    queryFn: () => getSeriesOf(toParameters(filter, Date.now())),
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  const { data } = series;
  const before = useQuery({
    queryKey: ['metrics', 'series before', key],
    queryFn: () => getSeriesOf({ ...toParametersBefore(filter, Date.now()), grain: data?.grain ?? null }),
    enabled: data !== undefined,
    // Finer sums than those of days are not kept for ever.
    retry: false,
  });
  const { type, channel } = filter;
  const toSpanLink = (span: TimeSpan) => toLink(withSpan(filter, span));
  return (
    <Stack gap="xs" component="section" aria-label={t('Messages over time')}>
      <div className="section-head">
        <Title order={2} size="h4">
          {t('Messages over time')}
        </Title>
        <ExportButtons view="series" name="series" toParameters={() => toParameters(filter, Date.now())} />
      </div>
      {series.error && <ProblemView problem={series.error} retry={() => void series.refetch()} />}
      {series.isPending && <Skeleton height={260} />}
      {data && (
        <Paper withBorder p="md">
          <OutcomeChart
            series={data}
            before={before.data}
            toLink={(span) => linkToDeliveries(null, { type, channel, ...span })}
            onZoom={(span) => openLink(toSpanLink(span))}
          />
          <ul className="legend" aria-label={t('Outcomes')}>
            {OUTCOMES.map(({ key: outcome, label, color, count }) => (
              <li key={outcome}>
                <span className="legend-mark" style={{ background: `var(--mantine-color-${color})` }} />
                {label} {formatCount(data.points.reduce((sum, { metrics }) => sum + count(metrics), 0))}
              </li>
            ))}
            {before.data && (
              <li>
                <span className="legend-line" data-line="before" /> {t('All, in the period before')}
              </li>
            )}
          </ul>
          <SpanControls span={{ since: data.from, until: data.to }} toLink={toSpanLink} />
          <Disclosure label={t('As a table')} testId="series-table-button">
            <FactRows
              testId="series-table"
              items={data.points}
              getId={({ at }) => at}
              numbers={OUTCOMES.map(({ label }) => label)}
              columns={{
                [t('Time')]: ({ at }) => (
                  <a href={linkToDeliveries(null, { type, channel, ...spanOf(data, at) })}>
                    <Time value={at} as="full" />
                  </a>
                ),
                ...Object.fromEntries(
                  OUTCOMES.map(({ label, count }) => [
                    label,
                    ({ metrics }: { readonly metrics: Values }) => formatCount(count(metrics)),
                  ]),
                ),
              }}
            />
          </Disclosure>
          <Text size="xs" c="dimmed" mt="xs">
            <T
              text="Drag over the chart to zoom in. A dashed upright line marks a change of the catalog. A message counts in the minute in which it ended, and its receipts with it; days are those of UTC. Counted until {time}."
              values={{ time: <Time value={data.as_of} as="full" /> }}
            />
          </Text>
        </Paper>
      )}
    </Stack>
  );
}

const DrawnTiles = memo(MetricTiles, hasSameFilter);
const DrawnCourse = memo(Course, hasSameFilter);
const DrawnFunnel = memo(FunnelView, hasSameFilter);
const DrawnBreakdown = memo(Breakdown, hasSameFilter);
