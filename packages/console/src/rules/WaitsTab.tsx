import { Anchor, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getWaitingRules } from '../api/waits.ts';
import { linkToWaiting } from '../route.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { Time } from '../shell/Time.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';
import { RuleActions } from '../waiting/RulesTable.tsx';

/** Pending waits of a rule, and commands for all of them. */
export function WaitsTab({ rule }: { rule: string }) {
  const waits = useQuery({
    queryKey: ['waits', 'rules'],
    queryFn: getWaitingRules,
    meta: { topics: ['waits'], every: 10_000 },
  });
  if (waits.error) return <ProblemView problem={waits.error} retry={() => waits.refetch()} />;
  if (waits.isPending) return <Skeleton height={80} />;
  const own = waits.data.rules.find((one) => one.rule === rule);
  if (!own) {
    return (
      <Text size="sm" c="dimmed">
        {t('Nothing waits in this rule.')}
      </Text>
    );
  }
  return (
    <Stack gap="sm">
      <Text size="sm" data-testid="rule-waiting">
        <T
          text="{waits, plural, one {# wait} other {# waits}} of {users, plural, one {# user} other {# users}}; the next is due {time}. The oldest began under version {version}."
          values={{
            waits: own.waits,
            users: own.users,
            time: <Time value={own.next_due_at} as="full" />,
            version: own.oldest_version,
          }}
        />
      </Text>
      <Anchor size="sm" href={linkToWaiting({ rule })}>
        {t('List them')}
      </Anchor>
      <RuleActions rule={rule} />
    </Stack>
  );
}
