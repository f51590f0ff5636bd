import { CATEGORIES } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import type { Hours, LegalHours, Policy } from '../../model/preferences.ts';
import { WEEKDAYS } from '../../model/terms.ts';
import { parseDate } from '../../time/iso-time.ts';
import { findZone } from '../../time/zone.ts';
import { type Fields, parseEntries, parseFilledFields, parseKeyword, parseText, parseTexts } from './fields.ts';
import { suggest } from './suggest.ts';
import type { Entry, Tree, YamlFile } from './yaml.ts';

const EXAMPLE = 'sms: 08:00-21:00';
const FULL_EXAMPLE = 'sms: { hours: 08:00-21:00, pass: [TRANSACTIONAL, SECURITY], zones: [America/New_York] }';
const REGION_EXAMPLE = 'US-FL: { hours: 08:00-20:00, from: 2021-07-01, source: Florida Statutes 501.059 }';

const CODE_EXAMPLE = '"49": { region: DE, zones: [Europe/Berlin] }';

const LEGAL_KEYS = ['hours', 'zones', 'pass', 'calling_codes', 'regions'];
const REGION_KEYS = ['hours', 'from', 'source', 'zones', 'not_on'];

/** Categories that the law lets pass, unless the policy says otherwise: no telephone solicitation. */
const DEFAULT_PASS: readonly string[] = ['TRANSACTIONAL', 'SECURITY'];

/** Parses `{ sms: 08:00-21:00 }`, or with zones, regions and categories that pass. */
export function parseLegalHours(
  file: YamlFile,
  entry: Entry | undefined,
  channels: readonly Channel[],
): Policy['legalHours'] {
  const legal: { [channel in Channel]?: LegalHours } = {};
  for (const one of entry ? parseEntries(file, entry.value, '"legal_hours"', EXAMPLE) : []) {
    const channel = CHANNELS.find((candidate) => candidate === one.key);
    if (channel === undefined || !channels.includes(channel)) {
      const message = channel
        ? `${channel} does not go to the user`
        : `${JSON.stringify(one.key.slice(0, 60))} is not a channel`;
      file.report(one.at, message, suggest(one.key, channels));
      continue;
    }
    const hours = parseLegal(file, one);
    if (hours) legal[channel] = hours;
  }
  return legal;
}

function parseLegal(file: YamlFile, { key, value }: Entry): LegalHours | undefined {
  if (value.kind !== 'map') {
    const hours = parseHours(file, value, `"${key}"`, EXAMPLE);
    return hours && { ...hours, zones: [], pass: DEFAULT_PASS, regions: {} };
  }
  const found = parseFilledFields(file, value, `"${key}"`, LEGAL_KEYS, FULL_EXAMPLE);
  const written = found.get('hours');
  if (!written) file.report(value.at, `"${key}" has no "hours"`, FULL_EXAMPLE);
  const hours = written && parseHours(file, written.value, '"hours"', EXAMPLE);
  const zones = parseZones(file, found.get('zones'));
  const pass = found.get('pass');
  const passing = pass
    ? parseTexts(file, pass.value, '"pass"', 'pass: [TRANSACTIONAL, SECURITY]').flatMap(
        (text) => parseKeyword(file, text, 'a category', CATEGORIES) ?? [],
      )
    : DEFAULT_PASS;
  const regions = parseRegions(file, found.get('regions'));
  const callingCodes = parseCallingCodes(file, found.get('calling_codes'), regions);
  return hours && { ...hours, zones, pass: passing, ...(callingCodes && { callingCodes }), regions };
}

function parseZones(file: YamlFile, entry: Entry | undefined): readonly string[] {
  if (!entry) return [];
  return parseTexts(file, entry.value, '"zones"', 'zones: [America/New_York, Pacific/Honolulu]').flatMap((text) => {
    const zone = findZone(text.text);
    if (!zone)
      file.report(text.at, `${JSON.stringify(text.text.slice(0, 64))} is not a time zone`, 'as America/New_York');
    return zone?.name ?? [];
  });
}

/** Parses the stricter hours of regions: one entry, or a list of them, each from a day on. */
function parseRegions(file: YamlFile, entry: Entry | undefined): LegalHours['regions'] {
  const regions: { [region: string]: LegalHours['regions'][string] } = {};
  for (const { key, value } of entry ? parseEntries(file, entry.value, '"regions"', REGION_EXAMPLE) : []) {
    const items = value.kind === 'list' ? value.items : [value];
    const dated = items.flatMap((item) => {
      const found = parseFilledFields(file, item, key, REGION_KEYS, REGION_EXAMPLE);
      for (const name of ['hours', 'from', 'source']) {
        if (item.kind === 'map' && !found.has(name)) file.report(item.at, `${key} has no "${name}"`, REGION_EXAMPLE);
      }
      const hours = found.get('hours') && parseHours(file, found.get('hours')!.value, '"hours"', REGION_EXAMPLE);
      const from = parseDay(file, found);
      const source = found.get('source') && parseText(file, found.get('source')!.value, '"source"', REGION_EXAMPLE);
      const zones = parseZones(file, found.get('zones'));
      const notOn = parseWeekdays(file, found.get('not_on'));
      const own = { ...(zones.length > 0 && { zones }), ...(notOn.length > 0 && { notOn }) };
      return hours && from !== undefined && source ? [{ ...hours, from, source: source.text, ...own }] : [];
    });
    if (dated.length > 0) regions[key] = dated.sort((a, b) => (a.from < b.from ? -1 : 1));
  }
  return regions;
}

/** Parses `[saturday, sunday]`; at least one day must be left. */
function parseWeekdays(file: YamlFile, entry: Entry | undefined): readonly number[] {
  if (!entry) return [];
  const example = 'not_on: [sunday]';
  const days = parseTexts(file, entry.value, '"not_on"', example).flatMap((text) => {
    const day = parseKeyword(file, text, 'a weekday', WEEKDAYS);
    return day ? [WEEKDAYS.indexOf(day) + 1] : [];
  });
  const different = [...new Set(days)].sort();
  if (different.length === WEEKDAYS.length)
    file.report(entry.at, '"not_on" leaves no day on which messages go', example);
  return different;
}

/** Parses what a phone number says of its holder, by calling code: zones, or a region and zones. */
function parseCallingCodes(
  file: YamlFile,
  entry: Entry | undefined,
  regions: LegalHours['regions'],
): LegalHours['callingCodes'] | undefined {
  if (!entry) return undefined;
  const codes: { [code: string]: { readonly region?: string; readonly zones: readonly string[] } } = {};
  for (const one of parseEntries(file, entry.value, '"calling_codes"', CODE_EXAMPLE)) {
    const { key, value } = one;
    if (!/^[1-9]\d{0,2}$/.test(key)) {
      const message = `${JSON.stringify(key.slice(0, 60))} is not a calling code of one to three digits without +`;
      file.report(one.at, message, CODE_EXAMPLE);
      continue;
    }
    if (value.kind !== 'map') {
      codes[key] = { zones: parseZones(file, one) };
      continue;
    }
    const found = parseFilledFields(file, value, `"${key}"`, ['region', 'zones'], CODE_EXAMPLE);
    const zones = parseZones(file, found.get('zones'));
    const named = found.get('region');
    const region = named && parseText(file, named.value, '"region"', CODE_EXAMPLE);
    if (region && !Object.hasOwn(regions, region.text)) {
      const message = `"regions" has no ${JSON.stringify(region.text.slice(0, 60))}`;
      file.report(region.at, message, suggest(region.text, Object.keys(regions)));
      continue;
    }
    codes[key] = { ...(region && { region: region.text }), zones };
  }
  return codes;
}

function parseDay(file: YamlFile, found: Fields): string | undefined {
  const entry = found.get('from');
  const text = entry && parseText(file, entry.value, '"from"', 'from: 2021-07-01');
  if (!text || parseDate(text.text) !== undefined) return text?.text;
  file.report(text.at, `${JSON.stringify(text.text.slice(0, 60))} is not a day (YYYY-MM-DD)`, 'from: 2021-07-01');
  return undefined;
}

/** Parses `22:00-08:00`, or `{ hours: 22:00-08:00, zone: Europe/Berlin }`. */
export function parseQuietHours(file: YamlFile, entry: Entry | undefined): Policy['quietHours'] {
  if (!entry) return undefined;
  const example = 'quiet_hours: 22:00-08:00';
  if (entry.value.kind !== 'map') return parseHours(file, entry.value, '"quiet_hours"', example);
  const found = parseFilledFields(file, entry.value, '"quiet_hours"', ['hours', 'zone'], example);
  const written = found.get('hours');
  if (!written) file.report(entry.value.at, '"quiet_hours" has no "hours"', 'quiet_hours: { hours: 22:00-08:00 }');
  const hours = written && parseHours(file, written.value, '"hours"', example);
  const zoneEntry = found.get('zone');
  const text = zoneEntry && parseText(file, zoneEntry.value, '"zone"', 'zone: Europe/Berlin');
  const zone = text && findZone(text.text);
  if (text && !zone)
    file.report(text.at, `${JSON.stringify(text.text.slice(0, 64))} is not a time zone`, 'zone: Europe/Berlin');
  return hours && { ...hours, ...(zone && { zone: zone.name }) };
}

const HOURS = /^([01]?\d|2[0-3]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-4]):([0-5]\d)$/;
const DAY_MINUTES = 24 * 60;

function parseHours(file: YamlFile, tree: Tree, what: string, example: string): Hours | undefined {
  const text = parseText(file, tree, what, example);
  if (!text) return undefined;
  const match = HOURS.exec(text.text.trim());
  const [h1, m1, h2, m2] = (match ?? []).slice(1).map(Number);
  if (h1 === undefined || m1 === undefined || h2 === undefined || m2 === undefined || h2 * 60 + m2 > DAY_MINUTES) {
    file.report(text.at, `${what} is not a pair of times of day`, example);
    return undefined;
  }
  const [start, end] = [h1 * 60 + m1, (h2 * 60 + m2) % DAY_MINUTES];
  if (start !== end) return { start, end };
  file.report(text.at, `${what} begins and ends at the same time`, example);
  return undefined;
}
