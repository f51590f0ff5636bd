import { Skeleton, Stack } from '@mantine/core';
import { getAudit } from '../api/audit.ts';
import type { Audit } from '../api/types.ts';
import { PAGE_POLL_MS, useLivePages } from '../shell/live-pages.ts';
import { NewItemsButton } from '../shell/NewItemsButton.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { buildTimeline, type Entry } from './entries.ts';
import { ProfileCard } from './ProfileCard.tsx';
import { Timeline } from './Timeline.tsx';
import { UserHeading } from './UserHeading.tsx';
import { WaitsCard } from './WaitsCard.tsx';
import { WhyPanel } from './WhyPanel.tsx';

const getId = (entry: Entry): string => entry.eventId;

/** Everything about one user: profile, events, decisions, notifications, and explanations. */
export function UserPage({ userId, eventId, why }: { userId: string; eventId: string | null; why: string | null }) {
  const audit = useLivePages<Audit, Entry>({
    key: ['audit', userId],
    load: (after) => getAudit(userId, after),
    mergePages: buildTimeline,
    getId,
    pollMs: PAGE_POLL_MS,
  });
  const container = useKeptFocus();
  const profile = audit.newest?.profile ?? null;
  return (
    <Stack gap="md" ref={container}>
      <UserHeading userId={userId} part="history" />
      {audit.error && <ProblemView problem={audit.error} retry={audit.retry} />}
      {audit.items === undefined && audit.error === null && <Skeleton height={360} />}
      <NewItemsButton newItems={audit.newItems} />
      {audit.items !== undefined && (
        <div className="user-columns">
          <div className="user-side">
            <ProfileCard profile={profile} />
            <WaitsCard userId={userId} zone={profile?.time_zone ?? null} />
            <WhyPanel userId={userId} isKnown={profile !== null || audit.items.length > 0} why={why} />
          </div>
          <Timeline
            userId={userId}
            entries={audit.items}
            eventId={eventId}
            older={audit.older}
            failed={audit.error !== null}
          />
        </div>
      )}
    </Stack>
  );
}
