import type { Policy } from '../../model/preferences.ts';
import { FREQUENCIES, type Frequency, WEEKDAYS } from '../../model/terms.ts';
import { parseEntries, parseFilledFields, parseKeyword, parseText } from './fields.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'frequency: { NEWS: DAILY }';
const TIMES_EXAMPLE = 'digest_times: { at: 09:00, day: monday }';

/** Frequencies of a policy: that a type never goes is a matter of `defaults`. */
const TENANT_FREQUENCIES = FREQUENCIES.filter((one): one is Exclude<Frequency, 'NEVER'> => one !== 'NEVER');

/** Parses `{ NEWS: DAILY, MARKETING: WEEKLY }`. @param findScope returns the scope of a type or category, or reports it */
export function parseFrequency(
  file: YamlFile,
  entry: Entry | undefined,
  findScope: (entry: Entry) => string | undefined,
): Policy['frequency'] {
  const frequency: { [scope: string]: Frequency } = {};
  for (const one of entry ? parseEntries(file, entry.value, '"frequency"', EXAMPLE) : []) {
    const scope = findScope(one);
    const text = parseText(file, one.value, `"${one.key}"`, EXAMPLE);
    const found = text && parseKeyword(file, text, 'a frequency', TENANT_FREQUENCIES);
    if (scope && found) frequency[scope] = found;
  }
  return frequency;
}

const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** Parses `{ at: 09:00, day: monday }`; what is left out is as without it. */
export function parseDigestTime(
  file: YamlFile,
  entry: Entry | undefined,
  { at: defaultAt, day: defaultDay }: NonNullable<Policy['digestTime']>,
): Policy['digestTime'] {
  if (!entry) return undefined;
  const found = parseFilledFields(file, entry.value, '"digest_times"', ['at', 'day'], TIMES_EXAMPLE);
  const at = found.get('at');
  const text = at && parseText(file, at.value, '"at"', TIMES_EXAMPLE);
  const time = text && TIME.exec(text.text.trim());
  if (text && !time) file.report(text.at, '"at" is not a time of day', TIMES_EXAMPLE);
  const day = found.get('day');
  const named = day && parseText(file, day.value, '"day"', TIMES_EXAMPLE);
  const weekday = named && parseKeyword(file, named, 'a day of the week', WEEKDAYS);
  return {
    at: time ? Number(time[1]) * 60 + Number(time[2]) : defaultAt,
    day: weekday ? WEEKDAYS.indexOf(weekday) + 1 : defaultDay,
  };
}
