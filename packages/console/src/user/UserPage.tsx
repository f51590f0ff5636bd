import { Skeleton, Stack } from '@mantine/core';
import { memo, useDeferredValue } from 'react';
import { MessageDialog } from '../message/MessageDialog.tsx';
import { type UserRoute, useParameter } from '../route.ts';
import { LazyPlace, lazyPart } from '../shell/lazy-part.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { isNewEntry } from '../shell/scroll-memory.ts';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { DevicesTab } from './DevicesTab.tsx';
import { ErasureProgress } from './ErasureProgress.tsx';
import { ForecastTab } from './ForecastTab.tsx';
import { MessagesTab } from './MessagesTab.tsx';
import { ProfileCard } from './ProfileCard.tsx';
import { RawTab } from './RawTab.tsx';
import { TimelineTab } from './TimelineTab.tsx';
import { UserHeading } from './UserHeading.tsx';
import { UserNotFound } from './UserNotFound.tsx';
import { type KnownUser, useUser } from './use-user.ts';
import { WaitsCard } from './WaitsCard.tsx';
import { WhyTab } from './WhyTab.tsx';

const PreferencesTab = lazyPart(() => import('../preferences/PreferencesTab.tsx'), 'PreferencesTab');

/** Everything about one user: a tab for each question, each with an address of its own. */
export function UserPage({ route }: { route: UserRoute }) {
  const { userId, tab } = route;
  const user = useUser(userId);
  const container = useKeptFocus();
  const [erasure] = useParameter('erasure');
  // A long tab is drawn after the choice of it is shown.
  const drawn = useDeferredValue(route, isNewEntry() ? null : route);
  return (
    <Stack gap="md" ref={container}>
      <UserHeading userId={userId} tab={tab} user={user.data} />
      <MessageDialog />
      {user.error && <ProblemView problem={user.error} retry={() => user.refetch()} />}
      {user.isPending && <Skeleton height={360} />}
      {erasure !== null && <ErasureProgress id={erasure} />}
      {user.data && !user.data.isKnown && erasure === null && <UserNotFound userId={userId} />}
      {user.data?.isKnown && erasure === null && (
        <LazyPlace fallback={<Skeleton height={320} />}>
          {drawn === null ? <Skeleton height={320} /> : <DrawnTab route={drawn} user={user.data} />}
        </LazyPlace>
      )}
    </Stack>
  );
}

const DrawnTab = memo(Tab);

function Tab({ route, user }: { route: UserRoute; user: KnownUser }) {
  const { userId, eventId, why } = route;
  const zone = user.profile?.time_zone ?? null;
  switch (route.tab) {
    case 'why':
      return (
        <div className="user-columns">
          <div className="user-side">
            <ProfileCard profile={user.profile} />
          </div>
          <WhyTab userId={userId} why={why} />
        </div>
      );
    case 'timeline':
      return (
        <div className="user-columns">
          <div className="user-side">
            <ProfileCard profile={user.profile} />
          </div>
          <TimelineTab userId={userId} eventId={eventId} />
        </div>
      );
    case 'messages':
      return <MessagesTab userId={userId} />;
    case 'waiting':
      return <WaitsCard userId={userId} zone={zone} />;
    case 'next':
      return <ForecastTab userId={userId} />;
    case 'preferences':
      return <PreferencesTab userId={userId} />;
    case 'devices':
      return <DevicesTab userId={userId} />;
    case 'raw':
      return <RawTab userId={userId} user={user} />;
  }
}
