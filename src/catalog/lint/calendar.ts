import { DYN, getFieldType, type Type } from '../../expressions/type.ts';
import type { CatalogData, Recurrence, Rule } from '../../model/catalog.ts';
import type { Report } from './findings.ts';

/** Reports schedules that leave out months, and dates that `at` reads as midnight. */
export function checkCalendar(data: CatalogData, report: Report): void {
  const listFieldTypes = newFieldTypes(data);
  for (const rule of data.rules) {
    const { name, every, digest } = rule;
    if (every) checkMonths(every, ['rules', name, 'every'], report);
    if (digest?.window.kind === 'calendar')
      checkMonths(digest.window.recurrence, ['rules', name, 'digest', 'at'], report);
    checkDate(rule, listFieldTypes, report);
  }
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
].concat('November', 'December');

/** A day of the month is given, and not beside a day of the week, either of which would be enough. */
function checkMonths({ cron, text }: Recurrence, path: readonly (string | number)[], report: Report): void {
  const [minute = '', hour = '', day = '*', month = '*', weekday = '*'] = cron.split(' ');
  if (!/^\d+$/.test(day) || Number(day) < 29 || weekday !== '*') return;
  const months = listMonths(month);
  const without = months.filter((one) => DAYS[one - 1]! < Number(day));
  // The day of a leap year is left out in three of four years.
  const leaps = day === '29' && months.includes(2);
  if (without.length === 0 && !leaps) return;
  const names = without.map((one) => MONTHS[one - 1]).join(', ');
  const message = leaps
    ? `February has no day 29 in three of four years: "${text}" leaves it out then`
    : `${names} ${without.length > 1 ? 'have' : 'has'} no day ${day}: "${text}" leaves ${without.length > 1 ? 'them' : 'it'} out`;
  const isOneTime = /^\d+$/.test(minute) && /^\d+$/.test(hour);
  const time = isOneTime ? `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}` : '09:00';
  report('skipped_months', path, message, `for the last day of each month, write month on last at ${time}`);
}

/** Returns the months of a cron field, 1 to 12. Names and steps, which are rare, count as all months. */
function listMonths(field: string): number[] {
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(field)) return DAYS.map((_, index) => index + 1);
  return field.split(',').flatMap((part) => {
    const [first = 1, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** A date has no time of day: it is the midnight at its start, in the zone of the rule. */
function checkDate(rule: Rule, listFieldTypes: FieldTypes, report: Report): void {
  const { name, at, zone } = rule;
  if (at?.field === undefined || at.timeOfDay !== undefined) return;
  const types = listFieldTypes(rule, at.field);
  if (types.length === 0 || !types.every(({ format }) => format === 'date')) return;
  const where = zone === 'user' ? "the user's zone" : zone;
  const message = `${at.field} is a date without a time: this waits for 00:00 in ${where}`;
  report('date_at_midnight', ['rules', name, 'at'], message, `to choose a time, write at: ${at.text} 09:00`);
}

/** Returns the types that the field of `at` may have, by trigger; empty for an expression that is not a plain field. */
export type FieldTypes = (rule: Rule, field: string) => readonly Type[];

/** Returns the look-up of field types for a catalog, whose schemas are indexed once. */
export function newFieldTypes({ events, traits }: Pick<CatalogData, 'events' | 'traits'>): FieldTypes {
  const schemas = new Map(events.map(({ name, properties }) => [name, properties]));
  return ({ on }, field) => {
    const [, root, name] = /^(event|user|traits)\.(\w+)$/.exec(field) ?? [];
    if (name === undefined) return [];
    const owners = root === 'event' ? on.map((type) => schemas.get(type)) : [traits];
    return owners.map((schema) => (schema && getFieldType({ kind: 'map', schema }, name)) ?? DYN);
  };
}
