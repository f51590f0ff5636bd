import { Anchor, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getWaitingRules } from '../api/waits.ts';
import { linkToWaiting } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { RuleActions } from '../waiting/RulesTable.tsx';

/** Pending waits of a rule, and commands for all of them. */
export function WaitsTab({ rule }: { rule: string }) {
  const waits = useQuery({ queryKey: ['waits', 'rules'], queryFn: getWaitingRules, refetchInterval: 10_000 });
  if (waits.error) return <ProblemView problem={waits.error} retry={() => waits.refetch()} />;
  if (waits.isPending) return <Skeleton height={80} />;
  const own = waits.data.rules.find((one) => one.rule === rule);
  if (!own) {
    return (
      <Text size="sm" c="dimmed">
        Nothing waits in this rule.
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      <Text size="sm" data-testid="rule-waiting">
        {own.waits}
        {own.at_least && '+'} {own.waits === 1 ? 'wait' : 'waits'} of {own.users}
        {own.at_least && '+'} {own.users === 1 ? 'user' : 'users'}; the next is due{' '}
        <Time value={own.next_due_at} as="full" />. The oldest began under version {own.oldest_version}.
      </Text>
      <Anchor size="sm" href={linkToWaiting({ rule })}>
        List them
      </Anchor>
      <RuleActions rule={rule} />
    </Stack>
  );
}
