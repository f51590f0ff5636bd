import type { Release, ReleaseVerdict } from '@tidings/client/types';
import { IconAlert, IconArchive, IconBan, IconCheck, IconChecks, IconClock, IconHelp } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { IconUndo } from '../shell/page-icons.tsx';
import { getLocale, t } from '../text/text.ts';

export const RELEASE_STATES: Record<Release['state'], Look> = {
  scheduled: { label: t('Scheduled'), color: 'violet', Icon: IconClock },
  watching: { label: t('Under way'), color: 'blue', Icon: IconClock },
  finished: { label: t('Finished'), color: 'teal', Icon: IconChecks },
  rolled_back: { label: t('Rolled back'), color: 'orange', Icon: IconUndo },
  cancelled: { label: t('Cancelled'), color: 'gray', Icon: IconBan },
  failed: { label: t('Could not begin'), color: 'red', Icon: IconAlert },
};

export const VERDICTS: Record<ReleaseVerdict['state'], Look> = {
  ok: { label: t('Within its bound'), color: 'teal', Icon: IconCheck },
  exceeded: { label: t('Beyond its bound'), color: 'red', Icon: IconAlert },
  waits_open: { label: t('When waits have ended'), color: 'gray', Icon: IconClock },
  too_few: { label: t('Too few to judge'), color: 'gray', Icon: IconHelp },
  not_watched: { label: t('Not watched'), color: 'gray', Icon: IconArchive },
};

export const NUMBERS: Record<ReleaseVerdict['number'], string> = {
  volume: t('Notifications for each event'),
  errors: t('Error rate'),
  complaints: t('Complaint rate'),
  unsubscribes: t('Unsubscribe rate'),
};

/** Formats a watched number of a version; null: nothing to measure it by. */
export function formatWatched(number: ReleaseVerdict['number'], value: number | null): string {
  if (value === null) return '–';
  return number === 'volume'
    ? formatVolume(value)
    : value.toLocaleString(getLocale(), { style: 'percent', maximumFractionDigits: 2 });
}

/** Says the bound of a watched number in words. */
export function describeBound({ number, bound }: Pick<ReleaseVerdict, 'number' | 'bound'>): string {
  if (bound === null) return t('none');
  if (typeof bound === 'number') return t('at most {value} more', { value: formatWatched(number, bound) });
  const [low = null, high = null] = bound;
  if (low === null) return high === null ? t('none') : t('at most {high} times', { high: formatVolume(high) });
  return high === null
    ? t('at least {low} times', { low: formatVolume(low) })
    : t('{low} to {high} times', { low: formatVolume(low), high: formatVolume(high) });
}

function formatVolume(value: number): string {
  return value.toLocaleString(getLocale(), { maximumFractionDigits: 2 });
}

/** Says about which users a version decides. @param share of the users, in percent */
export function describeDecider(version: number, share: number): string {
  return t('Version {version} decides about {share, select, 100 {all users} other {{share}% of the users}}.', {
    version,
    share,
  });
}
