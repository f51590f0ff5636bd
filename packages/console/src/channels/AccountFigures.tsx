import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ProviderAccount, SendingState } from '@tidings/client/types';
import { getSending } from '../api/channels.ts';
import { getAccountMetrics } from '../api/overview.ts';
import { formatMs } from '../overview/OutcomeChart.tsx';
import { countFailed, formatNumber } from '../overview/series.ts';
import { linkToDeliveries } from '../route.ts';
import { Cause } from '../shell/Cause.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { formatDuration } from '../shell/duration.ts';
import { ChannelName } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
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
  // A message counts when it has ended: those that are tried again are under way.
  if (metrics === undefined) return <>{t('none sent')}</>;
  const { sent, sandboxed: kept, p50_delivery_time_ms: half, p95_delivery_time_ms: most } = metrics;
  const failed = countFailed(metrics);
  const counts = [
    ...(sent !== 0 || !kept ? [t('{sent} sent', { sent: formatNumber(sent) })] : []),
    ...(kept ? [t('{kept} kept in the sandbox', { kept: formatNumber(kept) })] : []),
    ...(failed > 0 ? [t('{failed} failed', { failed: formatNumber(failed) })] : []),
  ];
  return (
    <>
      <div>{counts.join(', ')}</div>
      {half !== null && most !== null && (
        <Text size="xs" c="dimmed">
          {t('half within {half}, 95 of 100 within {most}', { half: formatMs(half), most: formatMs(most) })}
        </Text>
      )}
      <Text size="xs" component="a" href={linkToDeliveries(null, { provider, since: '24h' })}>
        {t('See deliveries')}
      </Text>
    </>
  );
}

/** Returns whether messages go out, as far as it is known. */
function useSending(): SendingState | undefined {
  const may = useScopes();
  const sending = useQuery({
    queryKey: ['sending'],
    queryFn: getSending,
    enabled: may('deliveries:read'),
    meta: { topics: ['problems', 'deliveries'], every: CIRCUIT_POLL_MS },
  });
  return sending.data;
}

function useAccountState(account: string): SendingState['accounts'][number] | undefined {
  return useSending()?.accounts.find((one) => one.account === account);
}

/** Latest times at which nothing went by an account. */
export function AccountHistory({ account: { account } }: { account: ProviderAccount }) {
  return <CircuitHistory openings={useAccountState(account)?.openings ?? []} />;
}

/** The same of a provider of the installation, by channel if it has an account for each. */
export function InstallationHistory({ provider }: { provider: string }) {
  const states = (useSending()?.installation ?? []).filter(
    (one) => one.provider === provider && one.openings.some(({ closed_at: to }) => to !== null),
  );
  return states.map(({ channel, openings }) => (
    <div key={channel}>
      {states.length > 1 && <ChannelName channel={channel} />}
      <CircuitHistory openings={openings} />
    </div>
  ));
}

/** Times at which nothing was sent, each with the cause; the present one is said above it. Renders nothing without any. */
function CircuitHistory({ openings }: Pick<SendingState['accounts'][number], 'openings'>) {
  const ended = openings.flatMap(({ closed_at: to, ...one }) => (to === null ? [] : [{ ...one, to }]));
  if (ended.length === 0) return null;
  return (
    <Disclosure
      label={t('{count, plural, one {Circuit was open once} other {Circuit was open # times}}', {
        count: ended.length,
      })}
      testId="circuit-history-button"
    >
      <ul className="openings" data-testid="circuit-history">
        {ended.map(({ opened_at: from, to, code, cause }) => (
          <li key={from}>
            <Time value={from} as="full" />
            {', '}
            {t('open for {time}', { time: formatDuration(Math.max(0, Date.parse(to) - Date.parse(from))) })}
            <Text size="xs" c="dimmed" className="break">
              {code === 'retry_after' ? (
                <T text="The provider asked for a pause: {cause}" values={{ cause: <Cause words={cause} /> }} />
              ) : (
                <Cause words={cause} />
              )}
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
