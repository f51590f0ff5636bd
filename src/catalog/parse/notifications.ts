import { CATEGORIES, type NotificationType } from '../../model/catalog.ts';
import { CHANNELS, type Channel, type InDoubtPolicy } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { parseDuration } from '../../time/duration.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import {
  checkName,
  type Fields,
  parseDescription,
  parseEntries,
  parseFields,
  parseKeyword,
  parseText,
  parseTexts,
} from './fields.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'WELCOME_EMAIL: { category: MARKETING, channels: [email] }';
const NOTIFICATION_KEYS = ['description', 'category', 'channels', 'in_doubt', 'give_up_after'];
const DEFAULT_GIVE_UP_AFTER: Millis = DAY_MS;

/** A notification type, with the offsets that later checks report problems at. */
export interface ParsedNotification {
  readonly type: NotificationType;
  readonly at: number;
  readonly channelAt: ReadonlyMap<Channel, number>;
  /** False if a channel could not be parsed, which has been reported: nothing is checked against the channels then. */
  readonly channelsKnown: boolean;
}

/** Parses notifications.yaml: the notification types. */
export function parseNotifications(file: YamlFile): readonly ParsedNotification[] {
  const example = `notifications: { ${EXAMPLE} }`;
  const top = parseFields(file, file.root!, 'notifications.yaml', ['notifications'], example).get('notifications');
  if (top === undefined) {
    if (file.root?.kind !== 'list') file.report(0, 'notifications.yaml has no "notifications"', example);
    return [];
  }
  return parseEntries(file, top.value, '"notifications"', EXAMPLE).map((entry) => parseNotification(file, entry));
}

function parseNotification(file: YamlFile, entry: Entry): ParsedNotification {
  const name = entry.key;
  const found = parseFields(file, entry.value, name, NOTIFICATION_KEYS, EXAMPLE);
  checkName(file, entry, 'WELCOME_EMAIL');
  const { channelAt, channelsKnown } = parseChannels(file, entry, found);
  return {
    at: entry.at,
    channelAt,
    channelsKnown,
    type: {
      name,
      ...parseDescription(file, found),
      category: parseCategory(file, entry, found),
      channels: [...channelAt.keys()],
      inDoubt: parseInDoubt(file, found),
      maxAge: parseGiveUpAfter(file, found),
    },
  };
}

/** Returns TRANSACTIONAL after an error, which has been reported. */
function parseCategory(file: YamlFile, entry: Entry, found: Fields): NotificationType['category'] {
  const hint = `use one of: ${CATEGORIES.join(', ')}`;
  const category = found.get('category');
  if (category === undefined) {
    file.report(entry.at, `${entry.key} has no category`, hint);
    return 'TRANSACTIONAL';
  }
  const text = parseText(file, category.value, '"category"', hint);
  return (text && parseKeyword(file, text, 'a category', CATEGORIES)) ?? 'TRANSACTIONAL';
}

function parseChannels(file: YamlFile, entry: Entry, found: Fields) {
  const channels = found.get('channels');
  const channelAt = new Map<Channel, number>();
  if (channels === undefined) {
    file.report(entry.at, `${entry.key} has no channels`, 'channels: [email]');
    return { channelAt, channelsKnown: false };
  }
  const texts = parseTexts(file, channels.value, '"channels"', 'channels: [email]');
  for (const text of texts) {
    const channel = parseKeyword(file, text, 'a channel', CHANNELS);
    if (channel) channelAt.set(channel, text.at);
  }
  return { channelAt, channelsKnown: channelAt.size > 0 && channelAt.size === texts.length };
}

function parseInDoubt(file: YamlFile, found: Fields): InDoubtPolicy {
  const entry = found.get('in_doubt');
  const text = entry && parseText(file, entry.value, '"in_doubt"', 'in_doubt: resend, or hold');
  return (text && parseKeyword<InDoubtPolicy>(file, text, 'a value of "in_doubt"', ['resend', 'hold'])) ?? 'resend';
}

function parseGiveUpAfter(file: YamlFile, found: Fields): Millis {
  const entry = found.get('give_up_after');
  const text = entry && parseText(file, entry.value, '"give_up_after"', 'give_up_after: 24h');
  const duration = text && parseDuration(text.text);
  if (duration && 'message' in duration) file.report(text!.at, duration.message, duration.hint);
  return duration && 'ms' in duration ? duration.ms : DEFAULT_GIVE_UP_AFTER;
}
