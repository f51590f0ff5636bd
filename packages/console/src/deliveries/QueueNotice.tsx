import { Alert, List, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Overdue, QueueState } from '@tidings/client/types';
import { getQueue } from '../api/deliveries.ts';
import type { OpenCircuit } from '../api/types.ts';
import { Cause } from '../shell/Cause.tsx';
import { IconAlert } from '../shell/icons.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { CHANNELS, getTextColor } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { formatOverdue } from './overdue-words.ts';

/** Overdue work, open circuits and accounts that fail, above the list of deliveries. Renders nothing if there is no trouble. */
export function QueueNotice() {
  const { data: queue } = useQuery({
    queryKey: ['queue'],
    queryFn: getQueue,
    meta: { topics: ['deliveries', 'problems'], every: PAGE_MS },
  });
  const overdue = queue?.overdue ?? [];
  const circuits = queue?.circuits ?? [];
  const moves = queue?.moves ?? [];
  if (overdue.length + circuits.length + moves.length === 0) return null;
  return (
    <Alert
      color="orange"
      variant="light"
      icon={<IconAlert size={18} />}
      title={getTitle(overdue, circuits, moves)}
      styles={{ title: { color: getTextColor('orange') } }}
      data-testid="queue-notice"
    >
      <List size="sm" spacing={4}>
        {circuits.map((circuit) => (
          <List.Item key={`${circuit.provider} ${circuit.account} ${circuit.domain}`} data-testid="open-circuit">
            <T
              text={
                circuit.code === 'retry_after'
                  ? '{provider} paused by the provider since {since}: {cause}. Next probe {probe}.'
                  : '{provider} circuit open since {since}: {cause}. Next probe {probe}.'
              }
              values={{
                provider: <Subject>{formatCircuit(circuit)}</Subject>,
                since: <Time value={circuit.since} as="full" />,
                cause: <Cause words={circuit.cause} />,
                probe: <Time value={circuit.next_probe_at} as="full" />,
              }}
            />
          </List.Item>
        ))}
        {moves.map((move) => (
          <List.Item key={`${move.channel} ${move.account}`} data-testid="route-move">
            <T
              text="{account} keeps {share}% of its messages by {channel} since {since}, the others go by other accounts: {cause}."
              values={{
                account: <Subject>{move.account}</Subject>,
                share: move.share,
                channel: CHANNELS[move.channel]?.label ?? move.channel,
                since: <Time value={move.since} as="full" />,
                cause: <Cause words={move.cause} />,
              }}
            />
          </List.Item>
        ))}
        {overdue.map((one) => (
          <List.Item key={`${one.queue} ${one.channel}`} data-testid="overdue">
            <T
              text="{work} overdue, the oldest since {time}."
              values={{
                work: <Subject>{formatOverdue(one)}</Subject>,
                time: <Time value={one.oldest_due_at} as="full" />,
              }}
            />
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function getTitle(overdue: readonly Overdue[], circuits: readonly OpenCircuit[], moves: QueueState['moves']): string {
  if (overdue.length + circuits.length === 0) return moves.length === 1 ? t('An account fails') : t('Accounts fail');
  if (circuits.length === 0) return t('Work is overdue');
  return overdue.length === 0
    ? t('Deliveries wait for a provider')
    : t('Deliveries wait for a provider, and work is overdue');
}

function Subject({ children }: { children: string }) {
  return (
    <Text span fw={600} size="sm">
      {children}
    </Text>
  );
}

function formatCircuit({ provider, account, domain }: OpenCircuit): string {
  return t(
    '{provider}{hasAccount, select, true { (account {account})} other {}}{hasDomain, select, true { to {domain}} other {}}',
    { provider, account, domain, hasAccount: account !== null, hasDomain: domain !== null },
  );
}
