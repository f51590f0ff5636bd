import { CHANNELS } from '../../model/delivery.ts';
import { listChannelsOf, PROVIDER_NAMES } from '../../model/provider-names.ts';
import type { Price } from '../../model/route.ts';
import { type Fields, parseFilledFields, parseKeyword, parseText } from './fields.ts';
import { suggest } from './suggest.ts';
import type { Entry, Text, Tree, YamlFile } from './yaml.ts';

const EXAMPLE =
  '{ provider: twilio, channel: sms, calling_code: "351", from: 2026-01-01, amount: 0.045, currency: EUR }';
const KEYS = ['provider', 'channel', 'calling_code', 'from', 'amount', 'currency'];

/** Prices in a catalog, at most: those of some providers for every calling code. */
const MAX_PRICES = 5000;
/** The largest price of one part, in units of the currency; its column holds 999,999. */
const MAX_AMOUNT = 1000;

/** Parses `prices`: a list. */
export function parsePrices(file: YamlFile, entry: Entry | undefined): Price[] {
  if (!entry) return [];
  const { value } = entry;
  if (value.kind === 'null') return [];
  if (value.kind !== 'list') {
    file.report(value.at, '"prices" must be a list', `prices: [${EXAMPLE}]`);
    return [];
  }
  if (value.items.length > MAX_PRICES) {
    file.report(value.at, `there are ${value.items.length} prices`, `at most ${MAX_PRICES} are allowed`);
    return [];
  }
  const seen = new Set<string>();
  return value.items.flatMap((item) => parsePrice(file, item, seen));
}

/** @param seen the prices before it: provider, channel, calling code and day */
function parsePrice(file: YamlFile, tree: Tree, seen: Set<string>): Price[] {
  const found = parseFilledFields(file, tree, 'a price', KEYS, EXAMPLE);
  for (const key of KEYS) {
    if (tree.kind === 'map' && key !== 'calling_code' && !found.has(key))
      file.report(tree.at, `this price has no "${key}"`, EXAMPLE);
  }
  const providerText = parseField(file, found, 'provider');
  const provider = providerText && parseKeyword(file, providerText, 'a provider', PROVIDER_NAMES);
  const channelText = parseField(file, found, 'channel');
  const channel = channelText && parseKeyword(file, channelText, 'a channel', CHANNELS);
  if (provider && channel && !listChannelsOf(provider).includes(channel))
    file.report(channelText.at, `${provider} sends nothing by ${channel}`, suggest(channel, listChannelsOf(provider)));
  const callingCode = parsePattern(file, found, 'calling_code', /^[1-9]\d{0,6}$/, 'a calling code without +');
  const from = parseDay(file, found);
  const amount = parseAmount(file, found.get('amount'));
  const currency = parsePattern(file, found, 'currency', /^[A-Z]{3}$/, 'a currency of ISO 4217');
  if (!provider || !channel || from === undefined || amount === undefined || currency === undefined) return [];
  const key = [provider, channel, callingCode, from].join(' ');
  if (seen.has(key)) file.report(tree.at, 'this price is in "prices" twice', 'remove one of them');
  seen.add(key);
  return [{ provider, channel, ...(callingCode === undefined ? {} : { callingCode }), from, amount, currency }];
}

function parseField(file: YamlFile, found: Fields, key: string): Text | undefined {
  const entry = found.get(key);
  return entry && parseText(file, entry.value, `"${key}"`, EXAMPLE);
}

function parsePattern(file: YamlFile, found: Fields, key: string, pattern: RegExp, what: string): string | undefined {
  const text = parseField(file, found, key);
  if (!text || pattern.test(text.text)) return text?.text;
  file.report(text.at, `${JSON.stringify(text.text.slice(0, 60))} is not ${what}`, EXAMPLE);
  return undefined;
}

function parseDay(file: YamlFile, found: Fields): string | undefined {
  const text = parsePattern(file, found, 'from', /^\d{4}-\d{2}-\d{2}$/, 'a day (YYYY-MM-DD)');
  if (text === undefined) return undefined;
  const time = Date.parse(`${text}T00:00:00Z`);
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return text;
  file.report(found.get('from')!.value.at, `${text} is not a day of the calendar`, 'from: 2026-01-01');
  return undefined;
}

function parseAmount(file: YamlFile, entry: Entry | undefined): number | undefined {
  if (!entry) return undefined;
  const { value } = entry;
  if (value.kind === 'number' && value.value >= 0 && value.value <= MAX_AMOUNT) return value.value;
  file.report(value.at, `"amount" must be a number from 0 to ${MAX_AMOUNT}`, 'amount: 0.045');
  return undefined;
}
