import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ProviderAccount, SendingState } from '@tidings/client/types';
import { getSending } from '../api/channels.ts';
import { getAccountMetrics } from '../api/overview.ts';
import { formatMs } from '../overview/OutcomeChart.tsx';
import { countFailed, formatNumber } from '../overview/series.ts';
import { linkToDeliveries } from '../route.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { CircuitText } from './CircuitText.tsx';

const POLL_MS = 60_000;
const CIRCUIT_POLL_MS = 10_000;
const DAY = 24 * 3_600_000;

/** Messages of an account in 24 hours: how many, how fast, and what failed. */
export function AccountFigures({ account: { account, provider } }: { account: ProviderAccount }) {
  const groups = useQuery({
    queryKey: ['overview', 'accounts'],
    queryFn: () => getAccountMetrics(Date.now() - DAY, Date.now()),
    refetchInterval: POLL_MS,
  });
  if (!groups.data) return <>–</>;
  const metrics = groups.data.groups.find(({ key }) => key === `${provider}/${account}`)?.metrics;
  if (metrics === undefined) return <>{t('none')}</>;
  const failed = countFailed(metrics);
  const { p50_delivery_time_ms: half, p95_delivery_time_ms: most } = metrics;
  return (
    <>
      <a href={linkToDeliveries(null, { provider, since: '24h' })}>
        {t('{sent} sent', { sent: formatNumber(metrics.sent) })}
      </a>
      {failed > 0 && (
        <>
          ,{' '}
          <a href={linkToDeliveries('dead', { provider, since: '24h' })}>
            {t('{failed} failed', { failed: formatNumber(failed) })}
          </a>
        </>
      )}
      {half !== null && most !== null && (
        <Text size="xs" c="dimmed">
          {t('half within {half}, 95 of 100 within {most}', { half: formatMs(half), most: formatMs(most) })}
        </Text>
      )}
    </>
  );
}

/** Why nothing goes by an account at present. Renders nothing while it is not held up. */
export function AccountCircuit({ account: { account } }: { account: ProviderAccount }) {
  const may = useScopes();
  const sending = useQuery({
    queryKey: ['sending'],
    queryFn: getSending,
    enabled: may('deliveries:read'),
    refetchInterval: CIRCUIT_POLL_MS,
  });
  const state: SendingState['accounts'][number] | undefined = sending.data?.accounts.find(
    (one) => one.account === account,
  );
  if (!state?.circuit) return null;
  return (
    <Text size="sm" component="div" data-testid="account-circuit">
      <CircuitText circuit={state.circuit} />
    </Text>
  );
}
