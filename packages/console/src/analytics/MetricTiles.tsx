import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricSummary } from '@tidings/client/types';
import { getSummaryOf } from '../api/metrics.ts';
import { formatMoney } from '../costs/sums.ts';
import { toQuery } from '../filters/filter.ts';
import { countFailed, countOut, formatNumber, type Values } from '../overview/series.ts';
import { Tile } from '../overview/Tiles.tsx';
import { linkToChannels, linkToDeliveries, type MetricFilter } from '../route.ts';
import { t } from '../text/text.ts';
import {
  describeChange,
  formatPoints,
  formatShareOf,
  KEPT_APART,
  toDeliveryFilter,
  toParametersBefore,
} from './metric-filter.ts';
import { useSums } from './use-sums.ts';

/** A number that counts something, or a share. */
interface Shown {
  readonly label: string;
  readonly count: (values: Values) => number | null;
  /** The share that is shown beside it, and what it is one of. */
  readonly share?: readonly [of: string, read: (values: Values) => number | null];
}

const SHOWN: readonly Shown[] = [
  { label: t('Decided to send'), count: ({ decided }) => decided },
  { label: t('Sent'), count: countOut },
  { label: t('Delivered'), count: ({ delivered }) => delivered, share: ['confirmable', (of) => of.delivery_rate] },
  { label: t('Opened'), count: ({ opened }) => opened, share: ['delivered', (of) => of.open_rate] },
  { label: t('Clicked'), count: ({ clicked }) => clicked, share: ['delivered', (of) => of.click_rate] },
  { label: t('Failed'), count: countFailed },
  {
    label: t('Unsubscribed'),
    count: ({ unsubscribed }) => unsubscribed,
    share: ['delivered', (of) => of.unsubscribe_rate],
  },
];

/** The sums of a filter, each with its change to the period before. */
export function MetricTiles({ filter }: { filter: MetricFilter }) {
  const now = useSums(filter);
  const before = useQuery({
    queryKey: ['metrics', 'summary before', toQuery(filter)],
    queryFn: () => getSummaryOf(toParametersBefore(filter, Date.now())),
  });
  if (!now.data) return <Skeleton height={112} />;
  const { metrics, costs } = now.data;
  const past = before.data?.metrics;
  return (
    <section aria-label={t('Sums')}>
      <div className="tiles" data-wide data-testid="metric-tiles">
        {SHOWN.map(({ label, count, share }) => (
          <Tile key={label} label={label} value={formatNumber(count(metrics))}>
            {share && <Text size="xs">{formatShareOf(share[1](metrics), share[0])}</Text>}
            {past && (
              <Text size="xs" c="dimmed">
                {describeChanges(count(metrics), count(past), share?.[1](metrics), share?.[1](past))}
              </Text>
            )}
          </Tile>
        ))}
        <Tile label={t('Cost')} value={formatCosts(costs)}>
          <Text size="xs" c="dimmed">
            {t(costs === null ? 'not known by this filter' : 'as far as prices are known')}
          </Text>
          <a href={linkToChannels('costs')}>{t('Costs of 31 days')}</a>
        </Tile>
      </div>
      <Text size="xs" c="dimmed" mt={6}>
        {t('Changes are to the period of the same length before.')}
        {/* Lists of deliveries do not know what is kept apart. */}
        {KEPT_APART.every((name) => filter[name] === null) && (
          <>
            {' '}
            <a href={linkToDeliveries(null, toDeliveryFilter(filter))}>{t('See deliveries')}</a>
          </>
        )}
      </Text>
    </section>
  );
}

/** Returns the change of a number, and that of its share; empty: the number is not known. */
function describeChanges(
  count: number | null,
  past: number | null,
  now: number | null = null,
  before: number | null = null,
): string {
  if (count === null || past === null) return '';
  const change = describeChange(count, past);
  if (now === null || before === null) return change;
  return t('{change}, {points} points', { change, points: formatPoints(now - before) });
}

/** Formats costs by currency. */
export function formatCosts(costs: MetricSummary['costs']): string {
  if (costs === null || costs.length === 0) return '–';
  return costs.map(({ amount, currency }) => formatMoney(amount, currency)).join(', ');
}
