import { Group, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricAnomalies } from '@tidings/client/types';
import { getAnomalies } from '../api/overview.ts';
import { FactRows } from '../channels/FactTable.tsx';
import { formatNumber } from '../overview/series.ts';
import { linkToAnalytics, linkToCatalog, linkToDeliveries, linkToType } from '../route.ts';
import { EmptyState } from '../shell/EmptyState.tsx';
import { IconArrowUp, IconPause } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { formatDecimal } from './metric-filter.ts';

type Anomaly = MetricAnomalies['anomalies'][number];

const POLL_MS = 300_000;
const LOOKS: Record<Anomaly['kind'], Look> = {
  quiet: { label: t('Quiet'), color: 'orange', Icon: IconPause },
  surge: { label: t('Far more than usual'), color: 'red', Icon: IconArrowUp },
};

/** Types of notifications and events with an unusual volume. `only`: the notification type that they are of; null: any. */
export function AnomaliesView({ only = null }: { only?: string | null }) {
  const found = useQuery({
    queryKey: ['overview', 'anomalies'],
    queryFn: getAnomalies,
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  if (found.error) return <ProblemView problem={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Skeleton height={160} />;
  const anomalies = found.data.anomalies.filter(
    ({ of, name }) => only === null || (of === 'notifications' && name === only),
  );
  if (anomalies.length === 0) {
    return only === null ? (
      <EmptyState title={t('Every volume is as usual')}>
        {t(
          'The last hour and the last 24 hours are compared with the same hours of up to six weeks before. A type must be known for three weeks.',
        )}
      </EmptyState>
    ) : (
      <Text size="sm" c="dimmed">
        {t('Its volume is as usual.')}
      </Text>
    );
  }
  return (
    <Stack gap="xs">
      <FactRows
        testId="anomalies"
        items={anomalies}
        getId={({ kind, of, name }) => `${kind} ${of} ${name}`}
        numbers={[t('Now'), t('Usually')]}
        columns={{
          [t('Type')]: ({ of, name }) => (
            <>
              <a className="name" href={of === 'notifications' ? linkToType(name) : linkToCatalog('event', name)}>
                {name}
              </a>
              <Text size="xs" c="dimmed">
                {t(of === 'notifications' ? 'notification type' : 'type of event')}
              </Text>
            </>
          ),
          [t('Finding')]: (anomaly) => (
            <>
              <StatusBadge look={LOOKS[anomaly.kind]} testId="anomaly-kind" />
              <Text size="sm" mt={2}>
                <Finding anomaly={anomaly} />
              </Text>
            </>
          ),
          [t('Now')]: ({ count, hours }) => formatVolume(count, hours),
          [t('Usually')]: ({ usual, hours }) => formatVolume(usual, hours),
          [t('See')]: ({ of, name }) =>
            of === 'notifications' && (
              <Group gap="sm">
                <a
                  href={linkToAnalytics('messages', { type: name, since: '28d' })}
                  aria-label={t('Course of {name}', { name })}
                >
                  {t('Course')}
                </a>
                <a
                  href={linkToDeliveries(null, { type: name, since: '24h' })}
                  aria-label={t('Deliveries of {name}', { name })}
                >
                  {t('Deliveries')}
                </a>
              </Group>
            ),
        }}
      />
      <Text size="xs" c="dimmed">
        <T text="Compared up to {time}." values={{ time: <Time value={found.data.to} as="full" /> }} />
      </Text>
    </Stack>
  );
}

function Finding({ anomaly: { kind, since, count, usual } }: { anomaly: Anomaly }) {
  if (kind === 'surge') {
    return usual === 0 ? t('Ordinarily none') : t('{times} × its usual', { times: formatDecimal(count / usual) });
  }
  return since === null ? (
    t('Quiet for more than a week')
  ) : (
    <T text="Quiet since {time}" values={{ time: <Time value={since} as="full" /> }} />
  );
}

const formatVolume = (count: number, hours: number): string =>
  t('{usual} in {hours} h', { usual: formatNumber(count), hours });
