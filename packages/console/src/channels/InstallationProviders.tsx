import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { MetricGroups, ProviderDescription, QueueState, SendingState } from '@tidings/client/types';
import { getProviders, getSending } from '../api/channels.ts';
import { getQueue } from '../api/deliveries.ts';
import { getAccountMetrics } from '../api/overview.ts';
import type { OpenCircuit } from '../api/types.ts';
import { IconAlert, IconCircle, IconPause } from '../shell/icons.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { CHANNELS, type Look } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { InstallationHistory, SentFigures } from './AccountFigures.tsx';
import { CircuitText } from './CircuitText.tsx';
import { FactRows } from './FactTable.tsx';

const POLL_MS = 60_000;
/** A provider by which nothing went for so long is not listed. */
const USED_MS = 30 * 24 * 3_600_000;

interface UsedProvider {
  readonly provider: string;
  readonly label: string;
  readonly channels: ProviderDescription['channels'];
  /** That of the provider itself first, then those of domains of recipients. */
  readonly circuits: readonly OpenCircuit[];
  readonly overdue: QueueState['overdue'];
}

/** Providers of the installation: those of its channels, those by which messages of the tenant went of late, and those whose circuit is open. */
export function InstallationProviders() {
  const may = useScopes();
  const used = useQuery({
    queryKey: ['overview', 'providers'],
    queryFn: () => getAccountMetrics(Date.now() - USED_MS, Date.now()),
    meta: { topics: ['metrics'], every: POLL_MS },
  });
  const known = useQuery({ queryKey: ['providers'], queryFn: getProviders, staleTime: Number.POSITIVE_INFINITY });
  const queue = useQuery({
    queryKey: ['queue'],
    queryFn: getQueue,
    enabled: may('deliveries:read'),
    meta: { topics: ['deliveries', 'problems'], every: PAGE_MS },
  });
  const sending = useQuery({
    queryKey: ['sending'],
    queryFn: getSending,
    enabled: may('deliveries:read'),
    meta: { topics: ['problems', 'deliveries'], every: PAGE_MS },
  });
  const error = used.error ?? known.error ?? queue.error ?? sending.error;
  const isKnown = used.data && known.data;
  const providers = isKnown ? toProviders(used.data, known.data.providers, queue.data, sending.data) : [];
  return (
    <Stack gap="xs" component="section" aria-label={t('Providers of the installation')}>
      <Title order={2} size="h4">
        {t('Providers of the installation')}
      </Title>
      <Text size="sm" c="dimmed">
        {t(
          'Messages go by them where the tenant has no account of its own. Their settings, pauses and tests are with the operator of the installation.',
        )}
      </Text>
      {error && (
        <ProblemView
          problem={error}
          retry={() => void Promise.all([used, known, queue, sending].map((one) => one.refetch()))}
        />
      )}
      {!isKnown && !error && <Skeleton height={80} />}
      {isKnown && providers.length === 0 && (
        <Text size="sm" c="dimmed" p="md" data-testid="installation-empty">
          {t('No message went by them in the last 30 days.')}
        </Text>
      )}
      {providers.length > 0 && (
        <FactRows
          testId="installation"
          items={providers}
          getId={({ provider }) => provider}
          columns={{
            [t('Provider')]: ({ provider, label }) => (
              <>
                {label} {label !== provider && <span className="name">{provider}</span>}
              </>
            ),
            [t('Channels')]: ({ channels }) =>
              channels.length === 0 ? '–' : channels.map((channel) => CHANNELS[channel]?.label ?? channel).join(', '),
            [t('State')]: (one) => (
              <>
                <State of={one} isKnown={queue.data !== undefined} />
                <InstallationHistory provider={one.provider} />
              </>
            ),
            [t('Overdue')]: (one) => <OverdueText of={one} isKnown={queue.data !== undefined} />,
            [t('Last 24 hours')]: ({ provider }) => <SentFigures sender={provider} provider={provider} />,
          }}
        />
      )}
    </Stack>
  );
}

function toProviders(
  { groups }: MetricGroups,
  known: readonly ProviderDescription[],
  queue: QueueState | undefined,
  sending: SendingState | undefined,
): UsedProvider[] {
  const open = (queue?.circuits ?? []).filter(({ account }) => account === null);
  // The key of an account has a slash.
  const used = groups.flatMap(({ key }) => (key === null || key === '' || key.includes('/') ? [] : [key]));
  const ways = sending?.installation_channels ?? [];
  const names = new Set([...open, ...ways].map(({ provider }) => provider));
  return [...new Set([...names, ...used])].map((provider) => {
    const { label = provider, channels: possible = [] } = known.find((one) => one.provider === provider) ?? {};
    const present = ways.filter((one) => one.provider === provider).map(({ channel }) => channel);
    const channels = present.length > 0 ? present : possible;
    return {
      provider,
      label,
      channels,
      circuits: open
        .filter((one) => one.provider === provider)
        .sort((a, b) => Number(a.domain !== null) - Number(b.domain !== null)),
      overdue: (queue?.overdue ?? []).filter(({ channel }) => channel !== null && channels.includes(channel)),
    };
  });
}

function State({ of: { provider, circuits }, isKnown }: { of: UsedProvider; isKnown: boolean }) {
  if (!isKnown) return <>–</>;
  const circuit = circuits.find(({ domain }) => domain === null);
  const own = OWN_PROVIDERS[provider];
  return (
    <>
      <StatusBadge look={own && !circuit ? OWN : getLook(circuit)} testId="installation-state" />
      {own && (
        <Text size="sm" className="break">
          {own}
        </Text>
      )}
      {circuits.map((circuit) => (
        <Text key={circuit.domain} size="sm" component="div" className="break">
          {circuit.domain !== null && `${t('To {domain}:', { domain: circuit.domain })} `}
          <CircuitText circuit={circuit} />
        </Text>
      ))}
    </>
  );
}

/** Work of the channels of a provider that waits longer than it should. */
function OverdueText({ of: { overdue }, isKnown }: { of: UsedProvider; isKnown: boolean }) {
  if (!isKnown) return <>–</>;
  if (overdue.length === 0) return <>{t('none')}</>;
  return overdue.map(({ queue, channel, count, has_more: hasMore, oldest_due_at: oldest }) => (
    <Text key={`${queue} ${channel}`} size="sm" component="div">
      <T
        text="{channel}: {count}, the oldest since {time}"
        values={{
          channel: CHANNELS[channel!]?.label ?? channel,
          count: `${formatCount(count)}${hasMore ? '+' : ''}`,
          time: <Time value={oldest} as="full" />,
        }}
      />
    </Text>
  ));
}

const OWN: Look = { label: t('Tidings itself'), color: 'gray', Icon: IconCircle };

/** Acts of Tidings itself on messages, by the name of its provider. */
const OWN_PROVIDERS: { readonly [provider: string]: string } = {
  inbox: t('Messages are in the inbox of the user at once. There is no circuit.'),
  log: t('Messages are written to the log of Tidings at once. There is no circuit.'),
  webhook: t('Messages go to the endpoints of the tenant, each of which has a state of its own.'),
  sandbox: t('Messages are kept in the sandbox at once and reach no user. There is no circuit.'),
  noop: t('Messages are discarded at once and reach no user. There is no circuit.'),
};

/** Returns the look of a provider. None is green: a closed circuit does not say that it takes messages. */
function getLook(circuit: OpenCircuit | undefined): Look {
  if (circuit === undefined) return { label: t('In use'), color: 'gray', Icon: IconCircle };
  if (circuit.code === 'retry_after') return { label: t('Paused'), color: 'orange', Icon: IconPause };
  return { label: t('Fails'), color: 'red', Icon: IconAlert };
}
