import { Alert, List, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Overdue, QueueState } from '@tidings/client/types';
import { getQueue } from '../api/deliveries.ts';
import type { OpenCircuit } from '../api/types.ts';
import { IconAlert } from '../shell/icons.tsx';
import { PAGE_POLL_MS } from '../shell/live-pages.ts';
import { CHANNELS, getTextColor } from '../shell/outcome.ts';
import { Time } from '../shell/Time.tsx';

/** Overdue work, open circuits and accounts that fail, above the list of deliveries. Renders nothing if there is no trouble. */
export function QueueNotice() {
  const { data: queue } = useQuery({ queryKey: ['queue'], queryFn: getQueue, refetchInterval: PAGE_POLL_MS });
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
            <Text span fw={600} size="sm">
              {circuit.provider}
              {circuit.account !== null && ` (account ${circuit.account})`}
              {circuit.domain !== null && ` to ${circuit.domain}`}
            </Text>{' '}
            {circuit.code === 'retry_after' ? 'paused by the provider' : 'circuit open'} since{' '}
            <Time value={circuit.since} as="full" />: {circuit.cause}. Next probe{' '}
            <Time value={circuit.next_probe_at} as="full" />.
          </List.Item>
        ))}
        {moves.map((move) => (
          <List.Item key={`${move.channel} ${move.account}`} data-testid="route-move">
            <Text span fw={600} size="sm">
              {move.account}
            </Text>{' '}
            keeps {move.share}% of its messages by {CHANNELS[move.channel]?.label ?? move.channel} since{' '}
            <Time value={move.since} as="full" />, the others go by other accounts: {move.cause}.
          </List.Item>
        ))}
        {overdue.map((one) => (
          <List.Item key={`${one.queue} ${one.channel}`} data-testid="overdue">
            <Text span fw={600} size="sm">
              {one.has_more && 'at least '}
              {one.count} {getNoun(one)}
            </Text>{' '}
            overdue, the oldest since <Time value={one.oldest_due_at} as="full" />.
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function getTitle(overdue: readonly Overdue[], circuits: readonly OpenCircuit[], moves: QueueState['moves']): string {
  if (overdue.length + circuits.length === 0) return moves.length === 1 ? 'An account fails' : 'Accounts fail';
  if (circuits.length === 0) return 'Work is overdue';
  return overdue.length === 0
    ? 'Deliveries wait for a provider'
    : 'Deliveries wait for a provider, and work is overdue';
}

const NOUNS: Record<Overdue['queue'], readonly [one: string, several: string]> = {
  deliveries: ['delivery', 'deliveries'],
  abandoned: ['delivery of a stopped worker', 'deliveries of a stopped worker'],
  waits: ['wait', 'waits'],
  schedules: ['schedule', 'schedules'],
  outbox: ['lifecycle event', 'lifecycle events'],
  connector_tasks: ['task of a connector', 'tasks of connectors'],
  webhook_facts: ['fact for webhook endpoints', 'facts for webhook endpoints'],
};

function getNoun({ queue, channel, count }: Overdue): string {
  const noun = NOUNS[queue]?.[count === 1 ? 0 : 1] ?? queue;
  return channel === null ? noun : `${noun} by ${CHANNELS[channel]?.label ?? channel}`;
}
