import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getCatalog } from '../api/catalog.ts';
import { AskBox } from './AskBox.tsx';
import { WhyPanel } from './WhyPanel.tsx';

const POLL_MS = 15_000;

/** Why the user got a notification, or did not: a question about one, and the list of all types. */
export function WhyTab({ userId, why }: { userId: string; why: string | null }) {
  const catalog = useQuery({
    queryKey: ['catalog'],
    queryFn: getCatalog,
    meta: { topics: ['catalog'], every: POLL_MS },
  });
  return (
    <Stack gap="md">
      <AskBox userId={userId} types={catalog.data?.notifications ?? []} />
      <WhyPanel userId={userId} catalog={catalog} why={why} />
    </Stack>
  );
}
