import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getCatalog } from '../api/catalog.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { SideSection } from './SideSection.tsx';
import { WhyRow } from './WhyRow.tsx';

const POLL_MS = 15_000;

/** Explanations why the user received a notification or not, for each notification type of the catalog. `why`: the one that is open. */
export function WhyPanel({ userId, isKnown, why }: { userId: string; isKnown: boolean; why: string | null }) {
  return isKnown ? <KnownUserPanel userId={userId} why={why} /> : <UnknownUserPanel />;
}

/** Nothing was decided about an unknown user, so no type was "not sent". */
function UnknownUserPanel() {
  return (
    <SideSection title="Explanations" note="Unknown user" testId="why">
      <Text size="sm" c="dimmed" p="md">
        No event of this user was accepted, so there was nothing to send.
      </Text>
    </SideSection>
  );
}

function KnownUserPanel({ userId, why }: { userId: string; why: string | null }) {
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog, refetchInterval: POLL_MS });
  const types = catalog.data?.notifications.length;
  const note = types === undefined ? undefined : `${types} ${types === 1 ? 'type' : 'types'}`;
  return (
    <SideSection title="Explanations" note={note} testId="why" isOpen={why !== null}>
      {catalog.error && <ProblemView problem={catalog.error} retry={() => catalog.refetch()} />}
      {catalog.isPending && <Skeleton height={120} m="md" />}
      {catalog.data?.notifications.map((type) => (
        <WhyRow key={type.name} userId={userId} type={type} rules={catalog.data.rules} isOpen={why === type.name} />
      ))}
    </SideSection>
  );
}
