/** Names of preferences.yaml: notification types, categories and channels. Any other name is reported. */

import { CATEGORIES } from '../../model/catalog.ts';
import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS } from '../../model/delivery.ts';
import type { ParsedNotification } from './notifications.ts';
import { suggest } from './suggest.ts';
import type { Entry, YamlFile } from './yaml.ts';

/** Channels that reach the user: only these can be turned on and off. */
export const USER_CHANNELS = CHANNELS.filter((channel) => !CHANNEL_DESCRIPTORS[channel].isForOthers);

/** The notification types of the catalog, by name; undefined: they could not be parsed, and no name is checked against them. */
export type KnownTypes = ReadonlyMap<string, ParsedNotification['type']> | undefined;

export function checkType(file: YamlFile, { key, at }: Pick<Entry, 'key' | 'at'>, types: KnownTypes): boolean {
  if (types === undefined || types.has(key)) return true;
  file.report(at, `no notification is called ${JSON.stringify(key.slice(0, 60))}`, suggest(key, types.keys()));
  return false;
}

export function checkCategory(file: YamlFile, { key, at }: Pick<Entry, 'key' | 'at'>): boolean {
  if ((CATEGORIES as readonly string[]).includes(key)) return true;
  file.report(at, `${JSON.stringify(key.slice(0, 60))} is not a category`, suggest(key, CATEGORIES));
  return false;
}

export function checkChannel(file: YamlFile, { key, at }: Pick<Entry, 'key' | 'at'>): boolean {
  if ((USER_CHANNELS as readonly string[]).includes(key)) return true;
  const isOther = (CHANNELS as readonly string[]).includes(key);
  const message = isOther ? `${key} does not go to the user` : `${JSON.stringify(key.slice(0, 60))} is not a channel`;
  file.report(at, message, suggest(key, USER_CHANNELS));
  return false;
}
