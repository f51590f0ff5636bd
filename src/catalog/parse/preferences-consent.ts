import { toWord } from '../../lib/text/to-word.ts';
import type { Category } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import type { Channel } from '../../model/delivery.ts';
import {
  type ConsentSource,
  DEFAULT_CONFIRMATION_MS,
  type DoubleOptIn,
  MAX_CONFIRMATION_MS,
  type Policy,
} from '../../model/preferences.ts';
import { parseDuration } from '../../time/duration.ts';
import { parseEntries, parseFields, parseFilledFields, parseKeyword, parseText, parseTexts } from './fields.ts';
import { checkCategory, checkChannel, checkType, type KnownTypes } from './preferences-names.ts';
import type { Entry, Tree, YamlFile } from './yaml.ts';

const EXAMPLE = 'MARKETING: { any: [record, { trait: marketing_opt_in }] }';
const WORDS_EXAMPLE = 'MARKETING/sms: { double_opt_in: CONFIRM_TEXTS, keywords: [YES, JOIN] }';
const MAX_WORDS = 20;
const DOUBLE_EXAMPLE = 'MARKETING/email: { double_opt_in: CONFIRM_NEWS }';
/** Categories of the messages that ask for a confirmation: it is wanted by the user, and no advertisement. */
const ASKING_CATEGORIES: readonly Category[] = ['TRANSACTIONAL', 'SYSTEM'];

type ParsedConsent = Pick<Policy, 'consent' | 'doubleOptIn'>;

/** Parses `{ MARKETING: record, MARKETING/sms: { any: [record, { trait: sms_opt_in }] }, MARKETING/email: { double_opt_in: CONFIRM_NEWS } }`. */
export function parseConsent(file: YamlFile, entry: Entry | undefined, types: KnownTypes): ParsedConsent {
  const consent: { [purpose: string]: readonly ConsentSource[] } = {};
  const doubleOptIn: { [purpose: string]: DoubleOptIn } = {};
  const asking: { readonly one: Entry; readonly channel: string; readonly type: string }[] = [];
  for (const one of entry ? parseEntries(file, entry.value, '"consent"', EXAMPLE) : []) {
    const [category = '', channel] = one.key.split('/');
    if (!checkCategory(file, { key: category, at: one.at })) continue;
    if (channel !== undefined && !checkChannel(file, { key: channel, at: one.at })) continue;
    const { sources, confirmed } = parseRule(file, one, types);
    if (sources.length > 0) consent[one.key] = sources;
    if (!confirmed) continue;
    doubleOptIn[one.key] = confirmed;
    asking.push({ one, channel: channel as string, type: confirmed.type });
  }
  for (const { one, channel, type: name } of asking) {
    const category = types?.get(name)?.category;
    if (!consent[`${category}/${channel}`] && !consent[category ?? '']) continue;
    const message = `${name} asks for consent, and is itself sent only with consent for ${category}`;
    file.report(one.at, message, 'give it a category without a rule of consent');
  }
  return { consent, ...(asking.length > 0 && { doubleOptIn }) };
}

interface ParsedRule {
  readonly sources: readonly ConsentSource[];
  readonly confirmed?: DoubleOptIn | undefined;
}

function parseRule(file: YamlFile, one: Entry, types: KnownTypes): ParsedRule {
  const { key, value } = one;
  if (value.kind !== 'map') return { sources: parseSources(file, value) };
  const found = parseFields(file, value, key, ['any', 'double_opt_in', 'confirm_within', 'keywords'], EXAMPLE);
  const any = found.get('any');
  const double = found.get('double_opt_in');
  const within = found.get('confirm_within');
  const words = found.get('keywords');
  if (!double) {
    if (words) file.report(words.at, `"${key}" has "keywords", and no "double_opt_in"`, DOUBLE_EXAMPLE);
    if (within) file.report(within.at, `"${key}" has "confirm_within", and no "double_opt_in"`, DOUBLE_EXAMPLE);
    if (!any) file.report(value.at, `"${key}" has no "any"`, EXAMPLE);
    return { sources: any ? parseSources(file, any.value) : [] };
  }
  const sources = any ? parseSources(file, any.value) : (['record'] as const);
  const type = parseAskingType(file, one, double, types);
  const time = parseWithin(file, within);
  const keywords = words && parseWords(file, one, words);
  if (any && !sources.includes('record')) {
    const message = `what is confirmed is a record, which does not count for ${key}`;
    file.report(any.at, message, 'add "record" to "any", or remove "any"');
  }
  const confirmed = type === undefined ? undefined : { type, within: time, ...(keywords && { keywords }) };
  return { sources, confirmed };
}

/** Parses `[YES, JOIN]`: words that a text message is as a whole. */
function parseWords(file: YamlFile, { key }: Entry, { at, value }: Entry): readonly string[] {
  if (CHANNEL_DESCRIPTORS[key.split('/')[1] as Channel]?.addressKind !== 'phone')
    file.report(at, '"keywords" are for a channel whose users reply by text message', WORDS_EXAMPLE);
  const texts = parseTexts(file, value, '"keywords"', WORDS_EXAMPLE);
  if (texts.length > MAX_WORDS) file.report(at, `"keywords" has more than ${MAX_WORDS} words`, WORDS_EXAMPLE);
  return texts.flatMap(({ text, at: place }) => {
    const word = toWord(text);
    if (word !== undefined && word !== '') return [word];
    file.report(place, 'this is no word that a message can be', WORDS_EXAMPLE);
    return [];
  });
}

/** Parses the name of the notification type that asks. It is sent to the address itself, and must not need what it asks for. */
function parseAskingType(file: YamlFile, one: Entry, double: Entry, types: KnownTypes): string | undefined {
  const [category, channel] = one.key.split('/') as [string, Channel | undefined];
  const name = parseText(file, double.value, '"double_opt_in"', DOUBLE_EXAMPLE);
  if (!name) return undefined;
  if (channel === undefined || CHANNEL_DESCRIPTORS[channel].addressKind === undefined) {
    const message = `"double_opt_in" is for a channel with addresses`;
    file.report(one.at, message, `${category}/email: { double_opt_in: ${name.text.slice(0, 60)} }`);
    return undefined;
  }
  if (!checkType(file, { key: name.text, at: name.at }, types)) return undefined;
  const type = types?.get(name.text);
  if (type && !type.channels.includes(channel)) {
    file.report(name.at, `${type.name} is not sent by ${channel}`, `its channels: ${type.channels.join(', ')}`);
    return undefined;
  }
  if (type && !ASKING_CATEGORIES.includes(type.category)) {
    const message = `${type.name} asks for consent, and is ${type.category}`;
    file.report(name.at, message, `give it the category ${ASKING_CATEGORIES.join(' or ')}`);
    return undefined;
  }
  return name.text;
}

function parseWithin(file: YamlFile, entry: Entry | undefined): number {
  const text = entry && parseText(file, entry.value, '"confirm_within"', 'confirm_within: 7d');
  const duration = text && parseDuration(text.text);
  if (!text || !duration) return DEFAULT_CONFIRMATION_MS;
  if ('message' in duration) file.report(text.at, duration.message, duration.hint);
  else if (duration.ms > 0 && duration.ms <= MAX_CONFIRMATION_MS) return duration.ms;
  else file.report(text.at, '"confirm_within" must be at most 30d', 'confirm_within: 7d');
  return DEFAULT_CONFIRMATION_MS;
}

function parseSources(file: YamlFile, any: Tree): ConsentSource[] {
  const items = any.kind === 'list' ? any.items : [any];
  if (items.length === 0) file.report(any.at, '"any" is an empty list', EXAMPLE);
  return items.flatMap((item): ConsentSource[] => {
    if (item.kind === 'map') {
      const trait = parseFilledFields(file, item, 'a source of consent', ['trait'], EXAMPLE).get('trait');
      const name = trait && parseText(file, trait.value, '"trait"', 'trait: marketing_opt_in');
      return name ? [{ trait: name.text }] : [];
    }
    const text = parseText(file, item, 'a source of consent', EXAMPLE);
    return text && parseKeyword(file, text, 'a source of consent', ['record']) ? ['record'] : [];
  });
}
