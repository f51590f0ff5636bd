import type { Digest, Rule } from '../../../../src/model/catalog.ts';
import { t } from '../text/text.ts';
import { formatDuration } from './duration.ts';
import { formatWeekday, WEEKDAYS } from './weekday.ts';

/** Returns a quiet period in words. Its `text` is English where it has an end. */
export function formatDebounce({ quiet, atMost }: NonNullable<Rule['debounce']>): string {
  const time = formatDuration(quiet);
  return atMost === undefined
    ? t('quiet for {time}', { time })
    : t('quiet for {time}, at most {most}', { time, most: formatDuration(atMost) });
}

/** Returns a digest in words. */
export function formatDigest({ window, firstNow, keep }: Digest): string {
  const isSliding = window.kind === 'sliding';
  return t(
    '{isSliding, select, true {quiet for {window}, at most {most}} other {{window}}}{firstNow, select, true {, the first now} other {}}, keep {keep}',
    {
      isSliding,
      window: window.kind === 'calendar' ? formatSchedule(window.text) : formatDuration(window.span),
      most: isSliding && formatDuration(window.atMost),
      firstNow,
      keep,
    },
  );
}

/** Returns a schedule of a rule or digest in words: `day 18:00` → `every day at 18:00`. A cron expression stands as it is. */
export function formatSchedule(text: string): string {
  if (text === 'hour') return t('every hour');
  const [, monthDay, monthTime] = /^month on (\d+|last) at (\S+)$/.exec(text) ?? [];
  if (monthDay === 'last') return t('on the last day of the month at {time}', { time: monthTime });
  if (monthDay !== undefined) return t('on day {day} of the month at {time}', { day: monthDay, time: monthTime });
  const [, day = '', time] = /^([a-z]+) (\d\d:\d\d)$/.exec(text) ?? [];
  if (day === 'day') return t('every day at {time}', { time });
  if (day === 'weekday') return t('Monday to Friday at {time}', { time });
  const weekday = WEEKDAYS.find((one) => one === day);
  return weekday === undefined ? text : t('{day} at {time}', { day: formatWeekday(weekday), time });
}
