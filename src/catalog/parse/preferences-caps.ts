import { CATEGORIES } from '../../model/catalog.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { type Cap, MAX_CAP } from '../../model/preferences.ts';
import { parseEntries, parseFilledFields, parseKeyword, parseTexts } from './fields.ts';
import { suggest } from './suggest.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'caps: { sms: { per_hour: 4, per_day: 10 }, pass: [URGENT, SECURITY] }';
const PASSING = ['URGENT', ...CATEGORIES] as const;

const FIELDS = { per_minute: 'perMinute', per_hour: 'perHour', per_day: 'perDay', burst: 'burst' } as const;

/** The caps of channels, and what passes them. */
export interface ParsedCaps {
  readonly caps: { readonly [channel in Channel]?: Cap };
  readonly capsPass: readonly string[];
}

/** Parses `{ sms: { per_minute: 2, per_day: 10, burst: 2 }, pass: [URGENT, SECURITY] }`. */
export function parseCaps(file: YamlFile, entry: Entry | undefined, channels: readonly Channel[]): ParsedCaps {
  const caps: { [channel in Channel]?: Cap } = {};
  let capsPass: readonly string[] = [];
  for (const one of entry ? parseEntries(file, entry.value, '"caps"', EXAMPLE) : []) {
    if (one.key === 'pass') {
      capsPass = parseTexts(file, one.value, '"pass"', 'pass: [URGENT, SECURITY]').flatMap(
        (text) => parseKeyword(file, text, 'URGENT or a category', PASSING) ?? [],
      );
      continue;
    }
    const channel = CHANNELS.find((candidate) => candidate === one.key);
    if (channel === undefined || !channels.includes(channel)) {
      const message = channel
        ? `${channel} does not go to the user`
        : `${JSON.stringify(one.key.slice(0, 60))} is not a channel`;
      file.report(one.at, message, suggest(one.key, [...channels, 'pass']));
      continue;
    }
    const cap = parseCap(file, one);
    if (cap) caps[channel] = cap;
  }
  return { caps, capsPass };
}

function parseCap(file: YamlFile, { key, value, at }: Entry): Cap | undefined {
  const cap: { -readonly [field in keyof Cap]: Cap[field] } = {};
  const found = parseFilledFields(file, value, `"${key}"`, Object.keys(FIELDS), EXAMPLE);
  for (const [name, field] of Object.entries(FIELDS)) {
    const entry = found.get(name);
    if (!entry) continue;
    const { value: number } = entry;
    if (number.kind === 'number' && Number.isInteger(number.value) && number.value >= 1 && number.value <= MAX_CAP) {
      cap[field] = number.value;
    } else file.report(number.at, `"${name}" must be a whole number from 1 to ${MAX_CAP}`, `${name}: 10`);
  }
  const { burst: _, ...periods } = cap;
  if (Object.keys(periods).length > 0) return cap;
  if (value.kind === 'map') file.report(at, `"${key}" has no "per_minute", "per_hour" or "per_day"`, EXAMPLE);
  return undefined;
}
