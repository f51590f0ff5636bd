import { CATEGORIES } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import { DEFAULT_DIGEST_TIME, NO_POLICY, type Policy } from '../../model/preferences.ts';
import { parseDuration } from '../../time/duration.ts';
import { findZone } from '../../time/zone.ts';
import { type Fields, parseEntries, parseFields, parseFilledFields, parseText, parseTexts } from './fields.ts';
import { parseCaps } from './preferences-caps.ts';
import { parseConsent } from './preferences-consent.ts';
import { parseDigestTime, parseFrequency } from './preferences-frequency.ts';
import { parseLegalHours, parseQuietHours } from './preferences-hours.ts';
import { checkCategory, checkChannel, checkType, type KnownTypes, USER_CHANNELS } from './preferences-names.ts';
import { suggest } from './suggest.ts';
import type { Entry, Tree, YamlFile } from './yaml.ts';

const KEYS = [
  'zone',
  'defaults',
  'locks',
  'required',
  'consent',
  'legal_hours',
  'quiet_hours',
  'hold_spread',
  'audiences',
  'frequency',
  'digest_times',
  'caps',
];
const EXAMPLE = 'defaults: { categories: { MARKETING: { sms: false } } }';
const AUDIENCE_EXAMPLE = 'PAYMENT_REMINDER: { products: [LOAN] }';

/** Longest `hold_spread` in ms. */
const MAX_SPREAD_MS = 3_600_000;

/** Parses preferences.yaml: the policy for the terms of users. */
export function parsePreferences(file: YamlFile, types: KnownTypes): Policy {
  const top = parseFields(file, file.root!, 'preferences.yaml', KEYS, EXAMPLE);
  const quietHours = parseQuietHours(file, top.get('quiet_hours'));
  const digestTime = parseDigestTime(file, top.get('digest_times'), DEFAULT_DIGEST_TIME);
  return {
    zone: parseZone(file, top.get('zone')) ?? NO_POLICY.zone,
    defaults: parseSwitches(file, top.get('defaults'), types),
    locks: parseSwitches(file, top.get('locks'), types),
    required: parseRequired(file, top.get('required'), types),
    ...parseConsent(file, top.get('consent'), types),
    legalHours: parseLegalHours(file, top.get('legal_hours'), USER_CHANNELS),
    ...(quietHours && { quietHours }),
    holdSpread: parseSpread(file, top.get('hold_spread')),
    audiences: parseAudiences(file, top.get('audiences'), types),
    frequency: parseFrequency(file, top.get('frequency'), (entry) => findScope(file, entry, types)),
    ...(digestTime && { digestTime }),
    ...parseCaps(file, top.get('caps'), USER_CHANNELS),
  };
}

function parseZone(file: YamlFile, entry: Entry | undefined): string | undefined {
  const text = entry && parseText(file, entry.value, '"zone"', 'zone: Europe/Berlin');
  const zone = text && findZone(text.text);
  if (text && !zone)
    file.report(text.at, `${JSON.stringify(text.text.slice(0, 64))} is not a time zone`, 'zone: Europe/Berlin');
  return zone?.name;
}

/** Parses `{ types: { X: false, Y: { sms: true } }, categories: { … }, channels: { push: true } }` to switches by scope. */
function parseSwitches(file: YamlFile, entry: Entry | undefined, types: KnownTypes): Policy['defaults'] {
  const scopes: { [scope: string]: boolean } = {};
  if (!entry) return scopes;
  const what = `"${entry.key}"`;
  const example = `${entry.key}: { categories: { MARKETING: { sms: false } } }`;
  const found = parseFields(file, entry.value, what, ['types', 'categories', 'channels'], example);
  for (const one of listOf(file, found, 'types', 'types: { WELCOME_EMAIL: false }')) {
    if (checkType(file, one, types)) addCell(file, scopes, `t:${one.key}`, one, types?.get(one.key)?.channels);
  }
  for (const one of listOf(file, found, 'categories', 'categories: { MARKETING: false }')) {
    if (checkCategory(file, one)) addCell(file, scopes, `c:${one.key}`, one);
  }
  for (const one of listOf(file, found, 'channels', 'channels: { push: true }')) {
    const isOn = checkChannel(file, one) ? parseSwitch(file, one.value, one.key) : undefined;
    if (isOn !== undefined) scopes[`ch:${one.key}`] = isOn;
  }
  return scopes;
}

function listOf(file: YamlFile, found: Fields, key: string, example: string): readonly Entry[] {
  const entry = found.get(key);
  return entry ? parseEntries(file, entry.value, `"${key}"`, example) : [];
}

/** Adds `X: false`, or `X: { enabled: true, sms: false }`. @param channels of a type; absent: any */
function addCell(
  file: YamlFile,
  scopes: { [scope: string]: boolean },
  scope: string,
  { key, value }: Entry,
  channels: readonly Channel[] = USER_CHANNELS,
): void {
  if (value.kind !== 'map') {
    const isOn = parseSwitch(file, value, key);
    if (isOn !== undefined) scopes[scope] = isOn;
    return;
  }
  for (const one of value.entries) {
    if (one.key !== 'enabled' && !checkChannel(file, one)) continue;
    if (one.key !== 'enabled' && !(channels as readonly string[]).includes(one.key)) {
      file.report(one.at, `${key} is not sent by ${one.key}`, `its channels: ${channels.join(', ')}`);
      continue;
    }
    const isOn = parseSwitch(file, one.value, one.key);
    if (isOn !== undefined) scopes[one.key === 'enabled' ? scope : `${scope}/${one.key}`] = isOn;
  }
}

function parseSwitch(file: YamlFile, tree: Tree, what: string): boolean | undefined {
  if (tree.kind === 'boolean') return tree.value;
  file.report(tree.at, `"${what}" must be true or false`, `${what}: false`);
  return undefined;
}

/** Parses a list of types and categories. Marketing that no user can turn off is an error. */
function parseRequired(file: YamlFile, entry: Entry | undefined, types: KnownTypes): readonly string[] {
  if (!entry) return [];
  return parseTexts(file, entry.value, '"required"', 'required: [ORDER_CONFIRMATION]').flatMap((text) => {
    const scope = findScope(file, { key: text.text, at: text.at }, types);
    const category = scope?.startsWith('c:') ? text.text : types?.get(text.text)?.category;
    if (category !== 'MARKETING') return scope ?? [];
    const message = `${text.text} is MARKETING, which a user can always turn off`;
    file.report(text.at, message, 'remove it from "required", or give the type another category');
    return [];
  });
}

/** Returns the scope of the name of a type or a category; undefined: there is no such name, which has been reported. */
function findScope(file: YamlFile, entry: Pick<Entry, 'key' | 'at'>, types: KnownTypes): string | undefined {
  const { key, at } = entry;
  if ((CATEGORIES as readonly string[]).includes(key)) return `c:${key}`;
  if (types === undefined || types.has(key)) return `t:${key}`;
  const message = `${JSON.stringify(key.slice(0, 60))} is neither a notification nor a category`;
  file.report(at, message, suggest(key, [...types.keys(), ...CATEGORIES]));
  return undefined;
}

function parseSpread(file: YamlFile, entry: Entry | undefined): number {
  const text = entry && parseText(file, entry.value, '"hold_spread"', 'hold_spread: 10m');
  const duration = text && parseDuration(text.text);
  if (!text || !duration) return 0;
  if ('message' in duration) file.report(text.at, duration.message, duration.hint);
  else if (duration.ms <= MAX_SPREAD_MS) return duration.ms;
  else file.report(text.at, '"hold_spread" is longer than 1h', 'hold_spread: 10m');
  return 0;
}

function parseAudiences(file: YamlFile, entry: Entry | undefined, types: KnownTypes): Policy['audiences'] {
  const audiences: { [scope: string]: readonly string[] } = {};
  for (const one of entry ? parseEntries(file, entry.value, '"audiences"', AUDIENCE_EXAMPLE) : []) {
    const scope = findScope(file, one, types);
    const products = parseFilledFields(file, one.value, one.key, ['products'], AUDIENCE_EXAMPLE).get('products');
    if (!scope) continue;
    if (products)
      audiences[scope] = parseTexts(file, products.value, '"products"', AUDIENCE_EXAMPLE).map(({ text }) => text);
    else if (one.value.kind === 'map') file.report(one.at, `${one.key} has no "products"`, AUDIENCE_EXAMPLE);
  }
  return audiences;
}
