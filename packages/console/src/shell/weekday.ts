import { getLocale } from '../text/text.ts';

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Returns the name of a day of the week: `Monday`. */
export function formatWeekday(day: Weekday): string {
  // The first of January 2024 was a Monday.
  const date = new Date(Date.UTC(2024, 0, 1 + WEEKDAYS.indexOf(day)));
  return date.toLocaleDateString(getLocale(), { weekday: 'long', timeZone: 'UTC' });
}
