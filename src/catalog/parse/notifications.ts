import { CATEGORIES, type NotificationType } from '../../model/catalog.ts';
import { CHANNELS, type Channel, type InDoubtPolicy } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { parseDuration } from '../../time/duration.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import { description, type Fields, fields, isName, named, oneOf, oneText, someTexts } from './fields.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'WELCOME_EMAIL: { category: MARKETING, channels: [email] }';

/** A notification type, and the places that later checks point at. */
export interface ReadNotification {
  readonly type: NotificationType;
  readonly at: number;
  readonly channelAt: ReadonlyMap<Channel, number>;
  /** False when its channels could not all be read; that has been told. */
  readonly channelsKnown: boolean;
}

/** Reads notifications.yaml: what people may hear. */
export function readNotifications(file: YamlFile): readonly ReadNotification[] {
  const example = `notifications: { ${EXAMPLE} }`;
  const top = fields(file, file.root!, 'notifications.yaml', ['notifications'], example).get('notifications');
  if (top === undefined) {
    if (file.root?.kind !== 'list') file.problem(0, 'notifications.yaml has no "notifications"', example);
    return [];
  }
  return named(file, top.value, '"notifications"', EXAMPLE).map((entry) => readNotification(file, entry));
}

function readNotification(file: YamlFile, entry: Entry): ReadNotification {
  const name = entry.key;
  const known = ['description', 'category', 'channels', 'in_doubt', 'give_up_after'];
  const found = fields(file, entry.value, name, known, EXAMPLE);
  if (!isName(name)) {
    file.problem(
      entry.at,
      `${JSON.stringify(name.slice(0, 60))} cannot be a name`,
      'letters, digits, _ . and -: WELCOME_EMAIL',
    );
  }
  const { channelAt, channelsKnown } = readChannels(file, entry, found);
  return {
    at: entry.at,
    channelAt,
    channelsKnown,
    type: {
      name,
      ...description(file, found),
      category: readCategory(file, entry, found),
      channels: [...channelAt.keys()],
      inDoubt: readInDoubt(file, found),
      maxAge: readMaxAge(file, found),
    },
  };
}

function readCategory(file: YamlFile, entry: Entry, found: Fields): NotificationType['category'] {
  const category = found.get('category');
  if (category === undefined) {
    file.problem(entry.at, `${entry.key} has no category`, `one of: ${CATEGORIES.join(', ')}`);
    return 'TRANSACTIONAL';
  }
  const text = oneText(file, category.value, '"category"', `one of: ${CATEGORIES.join(', ')}`);
  return (text && oneOf(file, text, 'a category', CATEGORIES)) ?? 'TRANSACTIONAL';
}

function readChannels(file: YamlFile, entry: Entry, found: Fields) {
  const channels = found.get('channels');
  const channelAt = new Map<Channel, number>();
  if (channels === undefined) {
    file.problem(entry.at, `${entry.key} has no channels`, 'channels: [email]');
    return { channelAt, channelsKnown: false };
  }
  const texts = someTexts(file, channels.value, '"channels"', 'channels: [email]');
  for (const text of texts) {
    const channel = oneOf(file, text, 'a channel', CHANNELS);
    if (channel) channelAt.set(channel, text.at);
  }
  return { channelAt, channelsKnown: channelAt.size > 0 && channelAt.size === texts.length };
}

function readInDoubt(file: YamlFile, found: Fields): InDoubtPolicy {
  const entry = found.get('in_doubt');
  const text = entry && oneText(file, entry.value, '"in_doubt"', 'in_doubt: resend, or hold');
  return (text && oneOf<InDoubtPolicy>(file, text, 'a way to go on when in doubt', ['resend', 'hold'])) ?? 'resend';
}

function readMaxAge(file: YamlFile, found: Fields): Millis {
  const entry = found.get('give_up_after');
  const text = entry && oneText(file, entry.value, '"give_up_after"', 'give_up_after: 24h');
  const duration = text && parseDuration(text.text);
  if (duration && 'message' in duration) file.problem(text!.at, duration.message, duration.hint);
  return duration && 'ms' in duration ? duration.ms : DAY_MS;
}
