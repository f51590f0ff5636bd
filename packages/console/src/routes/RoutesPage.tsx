import { Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { RouteEntryState, RouteState } from '@tidings/client/types';
import { getRoutes } from '../api/channels.ts';
import { CircuitText } from '../channels/CircuitText.tsx';
import { FactRows } from '../channels/FactTable.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { CHANNELS } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { EntryState } from './EntryState.tsx';
import { MoveText } from './MoveText.tsx';

/** By which accounts messages go at present: tiers, weights, shares, and the last move away from each account. */
export function RoutesPage() {
  const query = useQuery({
    queryKey: ['routes'],
    queryFn: getRoutes,
    meta: { topics: ['problems', 'deliveries'], every: PAGE_MS },
  });
  return (
    <Stack gap="xl">
      <PageTitle>{t('Routes')}</PageTitle>
      {query.error && <ProblemView problem={query.error} retry={() => query.refetch()} />}
      {query.isPending && <Skeleton height={320} />}
      {query.data?.routes.length === 0 && (
        <Text size="sm" c="dimmed" data-testid="routes-empty">
          {t('Neither a route nor an account: messages of every channel go by the accounts of the installation.')}
        </Text>
      )}
      {query.data?.routes.map((route) => (
        <RouteTable key={route.channel} route={route} />
      ))}
    </Stack>
  );
}

function RouteTable({ route: { channel, origin, entries } }: { route: RouteState }) {
  const label = CHANNELS[channel]?.label ?? channel;
  return (
    <Stack gap="xs" component="section" aria-label={label}>
      <Title order={2} size="h4">
        {label}
      </Title>
      <Text size="sm" c="dimmed">
        {origin === 'catalog'
          ? t('By the route in routes.yaml of the active catalog.')
          : t('Without a route: the accounts in the order of their places.')}
      </Text>
      <FactRows<RouteEntryState & { readonly id: string }>
        testId={`route-${channel}`}
        items={entries.map((entry, index) => ({ ...entry, id: String(index) }))}
        getId={({ id }) => id}
        columns={{
          [t('Account')]: ({ account, provider }) => (
            <>
              <span className="name">{account}</span>
              {provider !== null && ` (${provider})`}
            </>
          ),
          [t('Tier, weight')]: ({ tier, weight, when }) => (
            <>
              {tier}, {weight}
              {when !== null && (
                <Text size="sm">
                  <T text="when {condition}" values={{ condition: <code>{when}</code> }} />
                </Text>
              )}
            </>
          ),
          [t('Messages now')]: (entry) => formatShare(entry),
          [t('State')]: (entry) => (
            <>
              <EntryState entry={entry} />
              {entry.circuit && (
                <Text size="sm" component="div">
                  <CircuitText circuit={entry.circuit} />
                </Text>
              )}
            </>
          ),
          [t('Last move')]: ({ move }) => (move === null ? t('none') : <MoveText move={move} />),
        }}
      />
    </Stack>
  );
}

function formatShare({ share, waiting }: RouteEntryState): string {
  if (share === null) return t('as its condition says');
  return waiting === null || waiting === 0 ? `${share}%` : t('{share}%, {waiting}% wait for it', { share, waiting });
}
