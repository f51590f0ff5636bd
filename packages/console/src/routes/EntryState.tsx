import type { RouteEntryState } from '@tidings/client/types';
import { IconAlert, IconBan, IconCircle, IconPause, IconSplit } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { t } from '../text/text.ts';

/** Whether messages go by an account of a route. None is green: a closed circuit does not say that messages arrive. */
export function EntryState({ entry }: { entry: RouteEntryState }) {
  return <StatusBadge look={getLook(entry)} testId="route-state" />;
}

function getLook({ missing, circuit, failover_to: failoverTo, move }: RouteEntryState): Look {
  if (missing !== null) return { label: MISSING[missing], color: 'orange', Icon: IconBan };
  if (failoverTo !== null)
    return { label: t('Goes by {account}', { account: failoverTo }), color: 'orange', Icon: IconSplit };
  if (circuit?.code === 'retry_after') return { label: t('Paused'), color: 'orange', Icon: IconPause };
  if (circuit !== null) return { label: t('Fails'), color: 'red', Icon: IconAlert };
  if (move !== null && move.share < 100) return { label: t('Recovering'), color: 'orange', Icon: IconAlert };
  return { label: t('In use'), color: 'gray', Icon: IconCircle };
}

const MISSING: Record<NonNullable<RouteEntryState['missing']>, string> = {
  unknown_account: t('No such account'),
  account_disabled: t('Account disabled'),
  other_channels: t('Not for this channel'),
  no_own_account: t('Tenant without account'),
};
