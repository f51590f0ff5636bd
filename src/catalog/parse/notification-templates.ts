import { canonicalizeLocale } from '../../lib/text/locale.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import { type Fields, parseEntries, parseText } from './fields.ts';
import { suggest } from './suggest.ts';
import type { Entry, YamlFile } from './yaml.ts';

/* Layouts of a notification type, and the templates that providers keep. */

/** Names that a provider gave its templates of one type and channel, by locale; there is one in the default locale. */
export type HostedNames = ReadonlyMap<string, string>;

/** The channels of a type, as far as they could be parsed. */
export interface ChannelsOfType {
  readonly type: string;
  readonly channels: ReadonlyMap<Channel, number>;
  /** False if a channel could not be parsed, which has been reported. */
  readonly channelsKnown: boolean;
}

/** Channels whose providers may keep templates. */
const HOSTED_CHANNELS: readonly Channel[] = CHANNELS.filter((name) => CHANNEL_DESCRIPTORS[name].hasHostedTemplates);
const HOSTED_EXAMPLE = 'provider_template: { email: CLIENT_WELCOME_V1 }';
const LAYOUT_EXAMPLE = 'layout: main, or layout: { email: main }, or layout: none';

/** A layout that is named, and where. */
export interface NamedLayout {
  readonly name: string;
  readonly at: number;
}

/**
 * Parses `provider_template: NAME`, for a type of one channel, or `provider_template: { email: NAME }`; instead of NAME also
 * `{ en: NAME, es: NAME }`.
 */
export function parseHosted(file: YamlFile, found: Fields, of: ChannelsOfType): ReadonlyMap<Channel, HostedNames> {
  const hosted = new Map<Channel, HostedNames>();
  const entry = found.get('provider_template');
  if (entry === undefined) return hosted;
  const names = [...of.channels.keys()];
  if (entry.value.kind !== 'map') {
    if (names.length > 1) {
      const hint = `provider_template: { ${names[0]}: CLIENT_WELCOME_V1 }`;
      file.report(
        entry.value.at,
        `${of.type} has several channels: "provider_template" names one or more of them`,
        hint,
      );
    } else if (names[0]) addNames(names[0], entry);
    return hosted;
  }
  for (const each of parseEntries(file, entry.value, '"provider_template"', HOSTED_EXAMPLE)) {
    const channel = parseChannelKey(file, each, of);
    if (channel) addNames(channel, each);
  }
  return hosted;

  function addNames(channel: Channel, { value }: Entry): void {
    if (!HOSTED_CHANNELS.includes(channel)) {
      const hint = `providers keep templates of ${HOSTED_CHANNELS.join(', ')}`;
      return void file.report(value.at, `no provider keeps templates of ${channel}`, hint);
    }
    const byLocale = new Map<string, string>();
    if (value.kind === 'map') {
      for (const { key, at, value: name } of value.entries) {
        const canonical = canonicalizeLocale(key);
        if (canonical !== key) {
          file.report(
            at,
            `${JSON.stringify(key)} is not a locale`,
            canonical ? `write ${canonical}` : 'like en, pt-BR',
          );
        }
        const text = parseName(file, name);
        if (text !== undefined) byLocale.set(key, text);
      }
      if (!value.entries.some(({ key }) => key === DEFAULT_LOCALE)) {
        file.report(value.at, `there is no template in "${DEFAULT_LOCALE}"`, `${channel}: { en: CLIENT_WELCOME_V1 }`);
      }
    } else {
      const text = parseName(file, value);
      if (text !== undefined) byLocale.set(DEFAULT_LOCALE, text);
    }
    if (byLocale.size > 0) hosted.set(channel, byLocale);
  }
}

function parseName(file: YamlFile, value: Entry['value']): string | undefined {
  const text = parseText(file, value, 'the name of a template', HOSTED_EXAMPLE);
  if (!text) return undefined;
  if (/^[^\p{C}\s]{1,200}$/u.test(text.text)) return text.text;
  file.report(text.at, 'this is not the name of a template', 'use 1 to 200 characters without blanks');
  return undefined;
}

/**
 * Parses `layout: NAME`, which is that of the email, or else of the only channel; or `layout: { email: NAME }`, or `none`.
 * @param standard the layout of the emails of all types
 */
export function parseLayouts(
  file: YamlFile,
  found: Fields,
  of: ChannelsOfType,
  standard: NamedLayout | undefined,
): ReadonlyMap<Channel, NamedLayout> {
  const layouts = new Map<Channel, NamedLayout>();
  if (standard && of.channels.has('email')) layouts.set('email', standard);
  const entry = found.get('layout');
  if (entry === undefined) return layouts;
  const add = (channel: Channel, value: Entry['value']) => {
    const layout = parseLayoutName(file, value);
    if (layout === 'none') layouts.delete(channel);
    else if (layout) layouts.set(channel, layout);
  };
  if (entry.value.kind === 'map') {
    for (const each of entry.value.entries) {
      const channel = parseChannelKey(file, each, of);
      if (channel) add(channel, each.value);
    }
    return layouts;
  }
  const names = [...of.channels.keys()];
  const channel = of.channels.has('email') ? 'email' : names.length === 1 ? names[0] : undefined;
  if (channel) add(channel, entry.value);
  else if (of.channelsKnown) {
    file.report(entry.value.at, `${of.type} has several channels, and no email`, `layout: { ${names[0]}: main }`);
  }
  return layouts;
}

/** Parses the name of a layout. Returns undefined after a problem, which has been reported. */
export function parseLayoutName(file: YamlFile, value: Entry['value']): NamedLayout | 'none' | undefined {
  const text = parseText(file, value, '"layout"', LAYOUT_EXAMPLE);
  if (!text) return undefined;
  if (text.text === 'none') return 'none';
  if (/^[A-Za-z0-9][\w-]*$/.test(text.text)) return { name: text.text, at: text.at };
  file.report(text.at, `${JSON.stringify(text.text.slice(0, 60))} is not the name of a layout`, LAYOUT_EXAMPLE);
  return undefined;
}

function parseChannelKey(file: YamlFile, { key, at }: Entry, of: ChannelsOfType): Channel | undefined {
  const channel = CHANNELS.find((candidate) => candidate === key);
  if (channel === undefined) {
    file.report(at, `${JSON.stringify(key)} is not a channel`, suggest(key, CHANNELS));
  } else if (of.channelsKnown && !of.channels.has(channel)) {
    file.report(at, `${of.type} is not sent by ${channel}`, `its channels: ${[...of.channels.keys()].join(', ')}`);
  } else return channel;
  return undefined;
}

/** Keys that other tools have in the place of template files, and the files that Tidings has. */
const TEXT_KEYS: { readonly [key: string]: string } = {
  ...{
    subject: 'email.en.subject.txt',
    preheader: 'email.en.preheader.txt',
    html: 'email.en.html',
    mjml: 'email.en.mjml',
  },
  ...{ html_content: 'email.en.html', htmlContent: 'email.en.html', text: 'email.en.txt', content: 'email.en.txt' },
  ...{
    body: 'email.en.txt',
    message: 'email.en.txt',
    title: 'push.en.title.txt',
    sms: 'sms.en.txt',
    push: 'push.en.txt',
  },
  ...{ template: 'email.en.html', templates: 'email.en.html', blocks: 'chat.en.blocks.yaml' },
};

/**
 * Reports texts of a notification that stand in notifications.yaml, with the file that they belong in. Returns the other
 * entries.
 */
export function reportTexts(file: YamlFile, { key: type, value }: Entry): Entry['value'] {
  if (value.kind !== 'map') return value;
  const entries = value.entries.filter(({ key, at }) => {
    const name = Object.hasOwn(TEXT_KEYS, key) ? TEXT_KEYS[key] : undefined;
    if (name === undefined) return true;
    file.report(at, `unknown key ${JSON.stringify(key)} in ${type}`, `write the text to templates/${type}/${name}`);
    return false;
  });
  return { ...value, entries };
}
