import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricAnomalies } from '@tidings/client/types';
import { Fragment, type ReactNode } from 'react';
import { getAnomalies, getTypes } from '../api/overview.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { linkToAnalytics, linkToDeliveries, linkToType, RANGES, type Range, type TimeSpan } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { getLocale, t } from '../text/text.ts';
import { countFailed, formatNumber, type TypeSums } from './series.ts';

const HOUR = 3_600_000;
const POLL_MS = 60_000;
const SLOW_POLL_MS = 600_000;
const ROWS = 5;

/** Between words of a name, where its line may break. */
const WORD = /(?<=_)/;

const getKey = ({ key }: TypeSums) => key;
const share = (rate: number | null) =>
  rate === null
    ? '–'
    : rate.toLocaleString(getLocale(), { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 });
const typeLink = ({ key }: Pick<TypeSums, 'key'>): ReactNode => (
  <a className="name" href={linkToType(key)}>
    {key.split(WORD).map((word, index) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: a name may have a word twice
      <Fragment key={index}>
        {word}
        <wbr />
      </Fragment>
    ))}
  </a>
);

/** Notification types with the most messages and the most failures in the span, and those that no longer speak. */
export function TypeTables({ range, span }: { range: Range; span: TimeSpan | null }) {
  const times = span ?? { since: range, until: null };
  const types = useQuery({
    queryKey: ['overview', 'types', times.since, times.until],
    queryFn: () =>
      span === null
        ? getTypes(Date.now() - RANGES[range] * HOUR, Date.now())
        : getTypes(Date.parse(span.since), Date.parse(span.until)),
    meta: { topics: ['metrics'], every: POLL_MS },
    placeholderData: (shown) => shown,
  });
  const groups = types.data?.groups.filter(({ key }) => key !== '') ?? [];
  const byVolume = groups.toSorted((a, b) => (b.metrics.planned ?? 0) - (a.metrics.planned ?? 0)).slice(0, ROWS);
  const byFailure = groups
    .filter(({ metrics }) => countFailed(metrics) > 0)
    .sort((a, b) => countFailed(b.metrics) - countFailed(a.metrics))
    .slice(0, ROWS);
  const toTypeCell = ({ key }: TypeSums): ReactNode => (
    <>
      {typeLink({ key })}
      <Text size="xs" mt={8}>
        {/* Of all statuses: a failure has one of several. */}
        <a
          href={linkToDeliveries(null, { type: key, ...times })}
          aria-label={t('Deliveries of {name}', { name: key })}
          data-testid="type-deliveries"
        >
          {t('Deliveries')}
        </a>
      </Text>
    </>
  );
  return (
    <div className="overview-tables">
      {types.error && <ProblemView problem={types.error} retry={() => void types.refetch()} />}
      <Part title={t('Most messages')} isEmpty={byVolume.length === 0} empty={t('No messages in this span.')}>
        <FactRows
          testId="top-volume"
          numbers={[t('Messages'), t('Delivered')]}
          items={byVolume}
          getId={getKey}
          columns={{
            [t('Type')]: toTypeCell,
            [t('Messages')]: ({ metrics }) => formatNumber(metrics.planned),
            [t('Delivered')]: ({ metrics }) => share(metrics.delivery_rate),
          }}
        />
      </Part>
      <Part title={t('Most failures')} isEmpty={byFailure.length === 0} empty={t('No failures in this span.')}>
        <FactRows
          testId="top-failures"
          numbers={[t('Failed'), t('Of all')]}
          items={byFailure}
          getId={getKey}
          columns={{
            [t('Type')]: toTypeCell,
            [t('Failed')]: ({ metrics }) => formatNumber(countFailed(metrics)),
            [t('Of all')]: ({ metrics }) => share(metrics.planned ? countFailed(metrics) / metrics.planned : null),
          }}
        />
      </Part>
      <QuietTypes />
    </div>
  );
}

type Anomaly = MetricAnomalies['anomalies'][number];

/** Types of notifications and events that always had some at this time of the week, and are missing now. */
function QuietTypes() {
  const found = useQuery({
    queryKey: ['overview', 'anomalies'],
    queryFn: getAnomalies,
    meta: { topics: ['metrics'], every: SLOW_POLL_MS },
    staleTime: SLOW_POLL_MS / 2,
  });
  if (!found.data) return null;
  const quiet = found.data.anomalies.filter(({ kind }) => kind === 'quiet').slice(0, ROWS);
  const others = found.data.anomalies.length - quiet.length;
  return (
    <Part
      title={t('Quiet')}
      isEmpty={quiet.length === 0}
      empty={t('Each type that has some every week at this time still has some.')}
      end={
        others > 0 && (
          <a href={linkToAnalytics('anomalies')} data-testid="other-anomalies">
            {t('See the unusual volumes')}
          </a>
        )
      }
    >
      <FactRows
        testId="quiet-types"
        items={quiet}
        getId={({ of, name }: Anomaly) => `${of} ${name}`}
        columns={{
          [t('Type')]: ({ of, name }) =>
            of === 'notifications' ? typeLink({ key: name }) : t('{name} (event)', { name }),
          [t('Usually')]: ({ usual, hours }) => t('{usual} in {hours} h', { usual: formatNumber(usual), hours }),
          [t('Since')]: ({ since }) => (since === null ? t('more than a week') : <Time value={since} />),
        }}
      />
    </Part>
  );
}

interface PartProps {
  readonly title: string;
  readonly isEmpty: boolean;
  readonly empty: string;
  readonly end?: ReactNode;
  readonly children: ReactNode;
}

function Part({ title, isEmpty, empty, end, children }: PartProps) {
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
      {end}
    </Stack>
  );
}
