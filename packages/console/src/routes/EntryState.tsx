import type { RouteEntryState } from '@tidings/client/types';
import { IconAlert, IconBan, IconCircle, IconPause, IconSplit } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';

/** Whether messages go by an account of a route. None is green: a closed circuit does not say that messages arrive. */
export function EntryState({ entry }: { entry: RouteEntryState }) {
  return <StatusBadge look={getLook(entry)} testId="route-state" />;
}

function getLook({ missing, circuit, failover_to: failoverTo, move }: RouteEntryState): Look {
  if (missing !== null) return { label: MISSING[missing], color: 'orange', Icon: IconBan };
  if (failoverTo !== null) return { label: `Goes by ${failoverTo}`, color: 'orange', Icon: IconSplit };
  if (circuit?.code === 'retry_after') return { label: 'Paused', color: 'orange', Icon: IconPause };
  if (circuit !== null) return { label: 'Fails', color: 'red', Icon: IconAlert };
  if (move !== null && move.share < 100) return { label: 'Recovering', color: 'orange', Icon: IconAlert };
  return { label: 'In use', color: 'gray', Icon: IconCircle };
}

const MISSING: Record<NonNullable<RouteEntryState['missing']>, string> = {
  unknown_account: 'No such account',
  account_disabled: 'Account disabled',
  other_channels: 'Not for this channel',
  no_own_account: 'Tenant without account',
};
