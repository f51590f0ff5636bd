import type { MetricSeries } from '@tidings/client/types';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToDeliveries } from '../route.ts';
import { Time } from '../shell/Time.tsx';
import { formatCount, t } from '../text/text.ts';
import { formatMs } from './OutcomeChart.tsx';
import { OUTCOMES, spanOf } from './series.ts';

/** The points of the chart of outcomes as rows, each with its deliveries. */
export function OutcomeTable({ series }: { series: MetricSeries }) {
  return (
    <FactRows
      testId="outcome-table"
      numbers={OUTCOMES.map(({ label }) => label)}
      items={series.points}
      getId={({ at }) => at}
      columns={{
        [t('Time')]: ({ at }) => (
          <a href={linkToDeliveries(null, spanOf(series, at))} data-testid="bar-link">
            <Time value={at} as="full" />
          </a>
        ),
        ...Object.fromEntries(
          OUTCOMES.map(({ label, count }) => [
            label,
            ({ metrics }: MetricSeries['points'][number]) => formatCount(count(metrics)),
          ]),
        ),
      }}
    />
  );
}

/** The points of the chart of times as rows; those without a message are left out. */
export function TimeTable({ series }: { series: MetricSeries }) {
  return (
    <FactRows
      testId="time-table"
      numbers={[t('Average'), t('95 of 100')]}
      items={series.points.filter(({ metrics }) => metrics.avg_delivery_time_ms !== null)}
      getId={({ at }) => at}
      columns={{
        [t('Time')]: ({ at }) => <Time value={at} as="full" />,
        [t('Average')]: ({ metrics }) => formatMs(metrics.avg_delivery_time_ms ?? 0),
        [t('95 of 100')]: ({ metrics }) => formatMs(metrics.p95_delivery_time_ms ?? 0),
      }}
    />
  );
}
