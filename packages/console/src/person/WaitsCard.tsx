import { Paper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getWaits, type Wait } from '../api.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { WaitRow } from './WaitRow.tsx';

const POLL_MS = 4000;

/** The rules that wait for this person, those due first, and then those that have waited. Nothing when none ever did. */
export function WaitsCard({ userId, zone }: { userId: string; zone: string | null }) {
  const waits = useQuery({
    queryKey: ['waits', userId],
    queryFn: () => loadWaits(userId),
    refetchInterval: POLL_MS,
  });
  if (waits.error === null && !waits.data?.open.length && !waits.data?.ended.length) return null;
  return (
    <Paper withBorder component="section" className="waits" aria-label="Waiting" data-testid="waits">
      <Text fw={650} p="md" pb="xs">
        Waiting
      </Text>
      {waits.error && <ProblemView problem={waits.error} retry={() => waits.refetch()} />}
      {waits.data && (
        <>
          {waits.data.open.length === 0 && (
            <Text size="sm" c="dimmed" px="md" pb="xs">
              No rule waits for this person now.
            </Text>
          )}
          {waits.data.open.map((wait) => (
            <WaitRow key={wait.wait_id} wait={wait} now={waits.dataUpdatedAt} zone={zone} />
          ))}
          {waits.data.more && (
            <Text size="sm" c="dimmed" className="wait">
              And more, begun earlier than these.
            </Text>
          )}
          {waits.data.ended.length > 0 && (
            <div className="waits-ended">
              <Disclosure label={`Ended (${waits.data.ended.length})`} testId="waits-ended">
                {waits.data.ended.map((wait) => (
                  <WaitRow key={wait.wait_id} wait={wait} now={waits.dataUpdatedAt} zone={zone} />
                ))}
              </Disclosure>
            </div>
          )}
        </>
      )}
    </Paper>
  );
}

/** Apart: an open wait may have begun long before the latest fifty. */
async function loadWaits(userId: string): Promise<{ open: Wait[]; more: boolean; ended: Wait[] }> {
  const [open, latest] = await Promise.all([getWaits(userId, 'waiting'), getWaits(userId, null)]);
  return {
    open: open.waits.sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at)),
    more: open.next !== null,
    ended: latest.waits.filter((wait) => wait.status !== 'waiting'),
  };
}
