import { Paper, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Wait } from '@tidings/client/types';
import { getWaits } from '../api/waits.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { PAGE_MS } from '../shell/live-pages.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { formatCount, t } from '../text/text.ts';
import { OpenWaits } from './OpenWaits.tsx';
import { WaitRow } from './WaitRow.tsx';

/** Pending waits of a user by due time, then ended waits. */
export function WaitsCard({ userId, zone }: { userId: string; zone: string | null }) {
  const waits = useQuery({
    queryKey: ['waits', userId],
    queryFn: () => loadWaits(userId),
    meta: { topics: ['waits'], every: PAGE_MS },
  });
  const now = waits.dataUpdatedAt;
  return (
    <Paper withBorder component="section" className="why" aria-label={t('Waits')} data-testid="waits">
      <h2 className="side-title">
        {t('Pending waits')}
        {waits.data && (
          <Text component="span" size="sm" c="dimmed">
            {formatNote(waits.data)}
          </Text>
        )}
      </h2>
      {waits.isPending && <Skeleton height={120} m="md" />}
      {waits.error && <ProblemView problem={waits.error} retry={() => waits.refetch()} />}
      {waits.data && (
        <>
          <OpenWaits waits={waits.data.open} more={waits.data.more} now={now} zone={zone} />
          {waits.data.ended.length > 0 && (
            <div className="waits-ended">
              <Disclosure label={t('Ended ({count, number})', { count: waits.data.ended.length })} testId="waits-ended">
                {waits.data.ended.map((wait) => (
                  <WaitRow key={wait.wait_id} wait={wait} now={now} zone={zone} />
                ))}
              </Disclosure>
            </div>
          )}
        </>
      )}
    </Paper>
  );
}

interface Waits {
  open: Wait[];
  /** True if more open waits exist that started earlier. */
  more: boolean;
  ended: Wait[];
}

function formatNote({ open, more }: Waits): string {
  if (open.length === 0) return t('none');
  return more ? t('{count, number} or more', { count: open.length }) : formatCount(open.length);
}

/** Loads open waits and the latest waits by separate calls: an open wait may be older than the latest 50. */
async function loadWaits(userId: string): Promise<Waits> {
  const [open, latest] = await Promise.all([getWaits(userId, 'waiting'), getWaits(userId, null)]);
  return {
    open: open.waits.sort((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at)),
    more: open.next !== null,
    ended: latest.waits.filter((wait) => wait.status !== 'waiting'),
  };
}
