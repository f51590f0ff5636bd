import { useQuery } from '@tanstack/react-query';
import { FirstEvent } from '../activity/FirstEvent.tsx';
import { getActivity } from '../api/audit.ts';
import { useScopes } from '../shell/use-scopes.ts';

/** First steps, where no event has come yet. */
export function FirstEventIfNone() {
  const may = useScopes();
  const activity = useQuery({
    queryKey: ['overview', 'first event'],
    queryFn: () => getActivity(1),
    enabled: may('decisions:read'),
    meta: { topics: ['events'], every: 5000 },
  });
  return activity.data?.events.length === 0 ? <FirstEvent /> : null;
}
