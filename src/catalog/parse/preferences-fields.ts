import { CHANNEL_DESCRIPTORS } from '../../model/channels/channels.ts';
import { CHANNELS, type Channel } from '../../model/delivery.ts';
import { findZone } from '../../time/zone.ts';
import { parseText } from './fields.ts';
import { suggest } from './suggest.ts';
import type { Entry, YamlFile } from './yaml.ts';

/** Channels that reach the user: only these are turned on and off, held and capped. */
export const USER_CHANNELS = CHANNELS.filter((channel) => !CHANNEL_DESCRIPTORS[channel].isForOthers);

/**
 * Returns the channel that a key names; undefined: it names none that reaches the user, which has been reported.
 * @param others further keys that are known at this place
 */
export function parseUserChannel(
  file: YamlFile,
  { key, at }: Pick<Entry, 'key' | 'at'>,
  others: readonly string[] = [],
): Channel | undefined {
  const channel = USER_CHANNELS.find((candidate) => candidate === key);
  if (channel !== undefined) return channel;
  const isOther = (CHANNELS as readonly string[]).includes(key);
  const message = isOther ? `${key} does not go to the user` : `${JSON.stringify(key.slice(0, 60))} is not a channel`;
  file.report(at, message, suggest(key, [...USER_CHANNELS, ...others]));
  return undefined;
}

/** Parses `zone: Europe/Berlin`. Returns undefined without an entry, and after a problem, which has been reported. */
export function parseZone(file: YamlFile, entry: Entry | undefined): string | undefined {
  const text = entry && parseText(file, entry.value, '"zone"', 'zone: Europe/Berlin');
  const zone = text && findZone(text.text);
  if (text && !zone)
    file.report(text.at, `${JSON.stringify(text.text.slice(0, 64))} is not a time zone`, 'zone: Europe/Berlin');
  return zone?.name;
}
