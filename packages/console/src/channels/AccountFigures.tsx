import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ProviderAccount, SendingState } from '@tidings/client/types';
import { getSending } from '../api/channels.ts';
import { getAccountMetrics } from '../api/overview.ts';
import { formatMs } from '../overview/OutcomeChart.tsx';
import { countFailed, formatNumber } from '../overview/series.ts';
import { linkToDeliveries } from '../route.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { formatDuration } from '../shell/duration.ts';
import { Time } from '../shell/Time.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { CircuitText } from './CircuitText.tsx';

const POLL_MS = 60_000;
const CIRCUIT_POLL_MS = 10_000;
const DAY = 24 * 3_600_000;

/** Messages of an account in 24 hours. */
export function AccountFigures({ account: { account, provider } }: { account: ProviderAccount }) {
  return <SentFigures sender={`${provider}/${account}`} provider={provider} />;
}

interface SentFiguresProps {
  /** As in metrics: `PROVIDER/ACCOUNT`, or `PROVIDER` for that of the installation. */
  readonly sender: string;
  readonly provider: string;
}

/** Messages of a sender in 24 hours: how many, how fast, and what failed. */
export function SentFigures({ sender, provider }: SentFiguresProps) {
  const groups = useQuery({
    queryKey: ['overview', 'accounts'],
    queryFn: () => getAccountMetrics(Date.now() - DAY, Date.now()),
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  if (!groups.data) return <>–</>;
  const metrics = groups.data.groups.find(({ key }) => key === sender)?.metrics;
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

/** Returns the state of an account, as far as it is known. */
function useAccountState(account: string): SendingState['accounts'][number] | undefined {
  const may = useScopes();
  const sending = useQuery({
    queryKey: ['sending'],
    queryFn: getSending,
    enabled: may('deliveries:read'),
    meta: { topics: ['problems', 'deliveries'], every: CIRCUIT_POLL_MS },
  });
  return sending.data?.accounts.find((one) => one.account === account);
}

/** Latest times at which nothing went by an account, each with the cause. Renders nothing without any. */
export function CircuitHistory({ account: { account } }: { account: ProviderAccount }) {
  const openings = useAccountState(account)?.openings ?? [];
  if (openings.length === 0) return null;
  return (
    <Disclosure
      label={t('{count, plural, one {Circuit was open once} other {Circuit was open # times}}', {
        count: openings.length,
      })}
      testId="circuit-history-button"
    >
      <ul className="openings" data-testid="circuit-history">
        {openings.map(({ opened_at: from, closed_at: to, code, cause }) => (
          <li key={from}>
            <Time value={from} as="full" />
            {', '}
            {to === null
              ? t('still open')
              : t('for {time}', { time: formatDuration(Math.max(0, Date.parse(to) - Date.parse(from))) })}
            <Text size="xs" c="dimmed" className="break">
              {code === 'retry_after' ? t('The provider asked for a pause: {cause}', { cause }) : cause}
            </Text>
          </li>
        ))}
      </ul>
    </Disclosure>
  );
}

/** Why nothing goes by an account at present. Renders nothing while it is not held up. */
export function AccountCircuit({ account: { account } }: { account: ProviderAccount }) {
  const state = useAccountState(account);
  if (!state?.circuit) return null;
  return (
    <Text size="sm" component="div" data-testid="account-circuit">
      <CircuitText circuit={state.circuit} />
    </Text>
  );
}
