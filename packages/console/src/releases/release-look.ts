import type { Release, ReleaseVerdict } from '@tidings/client/types';
import { IconAlert, IconArchive, IconCheck, IconChecks, IconClock, IconHelp, IconUndo } from '../shell/icons.tsx';
import type { Look } from '../shell/outcome.ts';
import { t } from '../text/text.ts';

export const RELEASE_STATES: Record<Release['state'], Look> = {
  watching: { label: t('Under way'), color: 'blue', Icon: IconClock },
  finished: { label: t('Finished'), color: 'teal', Icon: IconChecks },
  rolled_back: { label: t('Rolled back'), color: 'orange', Icon: IconUndo },
};

export const VERDICTS: Record<ReleaseVerdict['state'], Look> = {
  ok: { label: t('Within its bound'), color: 'teal', Icon: IconCheck },
  exceeded: { label: t('Beyond its bound'), color: 'red', Icon: IconAlert },
  too_few: { label: t('Too few to judge'), color: 'gray', Icon: IconHelp },
  not_watched: { label: t('Not watched'), color: 'gray', Icon: IconArchive },
};

export const NUMBERS: Record<ReleaseVerdict['number'], string> = {
  volume: t('Notifications for each event'),
  errors: t('Error rate'),
  complaints: t('Complaint rate'),
  unsubscribes: t('Unsubscribe rate'),
};

const RATE = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 2 });
const VOLUME = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });

/** Formats a watched number of a version; null: nothing to measure it by. */
export function formatWatched(number: ReleaseVerdict['number'], value: number | null): string {
  if (value === null) return '–';
  return (number === 'volume' ? VOLUME : RATE).format(value);
}

/** Says the bound of a watched number in words. */
export function describeBound({ number, bound }: Pick<ReleaseVerdict, 'number' | 'bound'>): string {
  if (bound === null) return 'none';
  if (typeof bound === 'number') return `at most ${formatWatched(number, bound)} more`;
  const [low = null, high = null] = bound;
  if (low === null) return high === null ? 'none' : `at most ${VOLUME.format(high)} times`;
  return high === null
    ? `at least ${VOLUME.format(low)} times`
    : `${VOLUME.format(low)} to ${VOLUME.format(high)} times`;
}

/** Says a share of the users in words. @param share in percent */
export function describeShare(share: number): string {
  return share === 100 ? t('all users') : `${share}% of the users`;
}
