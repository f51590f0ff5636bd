import { Paper, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getCatalog } from '../api.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { WhyRow } from './WhyRow.tsx';

const POLL_MS = 15_000;

/** "Why did this person (not) get this?", for each notification type of the catalog. */
export function WhyPanel({ userId }: { userId: string }) {
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog, refetchInterval: POLL_MS });
  return (
    <Paper withBorder component="section" className="why" aria-label="Why, and why not" data-testid="why">
      <Text fw={650} p="md" pb="xs">
        Why, and why not
      </Text>
      {catalog.error && <ProblemView problem={catalog.error} retry={() => catalog.refetch()} />}
      {catalog.isPending && <Skeleton height={120} m="md" />}
      {catalog.data?.notifications.map((type) => (
        <WhyRow key={type.name} userId={userId} type={type} rules={catalog.data.rules} />
      ))}
    </Paper>
  );
}
