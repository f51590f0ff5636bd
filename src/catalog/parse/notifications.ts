import {
  CATEGORIES,
  DEFAULT_RETRY_MS,
  type FirstOf,
  type Goal,
  type NotificationType,
  PRIORITY_BY_CATEGORY,
  REACHED,
  type Variables,
} from '../../model/catalog.ts';
import { CHANNELS, type Channel, type InDoubtPolicy, PRIORITIES } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { TRACKING, type Tracking } from '../../model/tracking.ts';
import { parseDuration } from '../../time/duration.ts';
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
import {
  type HostedNames,
  type NamedLayout,
  parseHosted,
  parseLayoutName,
  parseLayouts,
  reportTexts,
} from './notification-templates.ts';
import { suggest } from './suggest.ts';
import { parseVariables } from './variables.ts';
import type { Entry, Tree, YamlFile } from './yaml.ts';

const EXAMPLE = 'WELCOME_EMAIL: { category: MARKETING, channels: [email] }';
const NOTIFICATION_KEYS = [
  'description',
  'category',
  'channels',
  'priority',
  'in_doubt',
  'give_up_after',
  'expires_after',
  'provider_template',
  'tracking',
  'quiet',
  'when_held',
  'sent_by',
  'dedupe',
  'goal',
  'layout',
  'variables',
];
const TOP_KEYS = ['notifications', 'layout', 'variables'];
const FIRST_OF_EXAMPLE = 'channels: { first_of: [push, sms], wait: 10m }';
const DEFAULT_FALLBACK_WAIT: Millis = 10 * 60_000;

/** A notification type, with the offsets that later checks report problems at. */
export interface ParsedNotification {
  readonly type: NotificationType;
  readonly at: number;
  readonly channelAt: ReadonlyMap<Channel, number>;
  /** False if a channel could not be parsed, which has been reported: nothing is checked against the channels then. */
  readonly channelsKnown: boolean;
  /** The channels whose templates their provider keeps, with the names that it gave them. */
  readonly hostedBy: ReadonlyMap<Channel, HostedNames>;
  /** The layouts of its templates, by channel. */
  readonly layouts: ReadonlyMap<Channel, NamedLayout>;
}

/** The contents of notifications.yaml. */
export interface ParsedNotifications {
  readonly types: readonly ParsedNotification[];
  /** Variables of all templates. */
  readonly variables: Variables | undefined;
}

/**
 * Parses notifications.yaml: the notification types, and what holds for the templates of all of them.
 * @param eventTypes the event types of the catalog; undefined: they are not known
 */
export function parseNotifications(file: YamlFile, eventTypes: ReadonlySet<string> | undefined): ParsedNotifications {
  const example = `notifications: { ${EXAMPLE} }`;
  const found = parseFields(file, file.root!, 'notifications.yaml', TOP_KEYS, example);
  const variables = parseVariables(file, found);
  const layoutEntry = found.get('layout');
  const parsedLayout = layoutEntry && parseLayoutName(file, layoutEntry.value);
  const layout = parsedLayout === 'none' ? undefined : parsedLayout;
  const top = found.get('notifications');
  if (top === undefined) {
    if (file.root?.kind !== 'list') file.report(0, 'notifications.yaml has no "notifications"', example);
    return { types: [], variables };
  }
  const entries = parseEntries(file, top.value, '"notifications"', EXAMPLE);
  return { types: entries.map((entry) => parseNotification(file, entry, layout, eventTypes)), variables };
}

function parseNotification(
  file: YamlFile,
  entry: Entry,
  layout: NamedLayout | undefined,
  eventTypes: ReadonlySet<string> | undefined,
): ParsedNotification {
  const name = entry.key;
  const found = parseFields(file, reportTexts(file, entry), name, NOTIFICATION_KEYS, EXAMPLE);
  checkName(file, entry, 'WELCOME_EMAIL');
  const { channelAt, channelsKnown, firstOf } = parseChannels(file, entry, found);
  const category = parseCategory(file, entry, found);
  const tracking = parseTracking(file, found, category);
  const expiresAfter = parseDurationOf(file, found, 'expires_after', '10m');
  const dedupe = parseDedupe(file, found);
  const goal = parseGoal(file, found, eventTypes);
  const variables = parseVariables(file, found);
  const ofType = { type: name, channels: channelAt, channelsKnown };
  const layouts = parseLayouts(file, found, ofType, layout);
  const layoutNames = Object.fromEntries([...layouts].map(([channel, one]) => [channel, one.name]));
  return {
    at: entry.at,
    channelAt,
    channelsKnown,
    hostedBy: parseHosted(file, found, ofType),
    layouts,
    type: {
      name,
      ...parseDescription(file, found),
      category,
      channels: [...channelAt.keys()],
      ...(firstOf ? { firstOf } : {}),
      priority: parsePriority(file, found) ?? PRIORITY_BY_CATEGORY[category],
      inDoubt: parseInDoubt(file, found),
      maxAge: parseDurationOf(file, found, 'give_up_after', '24h') ?? DEFAULT_RETRY_MS,
      ...(expiresAfter === undefined ? {} : { expiresAfter }),
      ...(tracking === undefined ? {} : { tracking }),
      ...(parseWord(file, found, 'quiet', 'ignore') && { quiet: 'ignore' as const }),
      ...(parseWord(file, found, 'when_held', 'drop') && { whenHeld: 'drop' as const }),
      ...(parseWord(file, found, 'sent_by', 'requests') && { sentBy: 'requests' as const }),
      ...(dedupe === undefined ? {} : { dedupe }),
      ...(goal === undefined ? {} : { goal }),
      ...(variables === undefined ? {} : { variables }),
      ...(layouts.size === 0 ? {} : { layouts: layoutNames }),
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
  const isFirstOf = channels.value.kind === 'map';
  const parsed = isFirstOf ? parseFirstOf(file, channels.value) : { list: channels.value };
  if (parsed.list === undefined) return { channelAt, channelsKnown: false };
  const name = isFirstOf ? '"first_of"' : '"channels"';
  const texts = parseTexts(file, parsed.list, name, isFirstOf ? FIRST_OF_EXAMPLE : 'channels: [email]');
  for (const text of texts) {
    const channel = parseKeyword(file, text, 'a channel', CHANNELS);
    if (channel) channelAt.set(channel, text.at);
  }
  const channelsKnown = channelAt.size > 0 && channelAt.size === texts.length;
  return { channelAt, channelsKnown, ...('firstOf' in parsed ? { firstOf: parsed.firstOf } : {}) };
}

/** Parses `{ first_of: [push, sms], wait: 10m, until: delivered }`. `list`: the channels, not parsed; undefined: it has no list. */
function parseFirstOf(file: YamlFile, tree: Tree): { readonly list: Tree | undefined; readonly firstOf: FirstOf } {
  const found = parseFields(file, tree, '"channels"', ['first_of', 'wait', 'until'], FIRST_OF_EXAMPLE);
  const list = found.get('first_of')?.value;
  if (list === undefined) file.report(tree.at, '"channels" has no "first_of"', FIRST_OF_EXAMPLE);
  const wait = parseDurationOf(file, found, 'wait', '10m') ?? DEFAULT_FALLBACK_WAIT;
  const until = found.get('until');
  const text = until && parseText(file, until.value, '"until"', 'until: delivered');
  return {
    list,
    firstOf: { wait, until: (text && parseKeyword(file, text, 'a value of "until"', REACHED)) ?? 'sent' },
  };
}

function parsePriority(file: YamlFile, found: Fields) {
  const entry = found.get('priority');
  const text = entry && parseText(file, entry.value, '"priority"', `use one of: ${PRIORITIES.join(', ')}`);
  return text && parseKeyword(file, text, 'a priority', PRIORITIES);
}

function parseInDoubt(file: YamlFile, found: Fields): InDoubtPolicy {
  const entry = found.get('in_doubt');
  const text = entry && parseText(file, entry.value, '"in_doubt"', 'in_doubt: resend, or hold');
  return (text && parseKeyword<InDoubtPolicy>(file, text, 'a value of "in_doubt"', ['resend', 'hold'])) ?? 'resend';
}

/** Returns what is found out about readers; undefined: the type does not say. */
function parseTracking(file: YamlFile, found: Fields, category: NotificationType['category']): Tracking | undefined {
  const entry = found.get('tracking');
  const text = entry && parseText(file, entry.value, '"tracking"', `tracking: ${TRACKING.join(', ')}`);
  const tracking = text && parseKeyword(file, text, 'a value of "tracking"', TRACKING);
  if (tracking === undefined || tracking === 'none' || category !== 'SECURITY') return tracking;
  file.report(text!.at, 'a SECURITY message is never tracked', 'leave "tracking" out, or choose another category');
  return undefined;
}

const MAX_DEDUPE: Millis = 24 * 3_600_000;

function parseDedupe(file: YamlFile, found: Fields): Millis | undefined {
  const window = parseDurationOf(file, found, 'dedupe', '1h');
  if (window === undefined || window <= MAX_DEDUPE) return window;
  file.report(found.get('dedupe')!.value.at, '"dedupe" is longer than 24h', 'dedupe: 1h');
  return undefined;
}

const GOAL_EXAMPLE = 'goal: { event: order_placed, within: 7d }';
const MIN_GOAL: Millis = 60_000;
const MAX_GOAL: Millis = 90 * 24 * 3_600_000;

/** Parses `{ event: order_placed, within: 7d }`. */
function parseGoal(file: YamlFile, found: Fields, eventTypes: ReadonlySet<string> | undefined): Goal | undefined {
  const entry = found.get('goal');
  if (entry === undefined) return undefined;
  const parts = parseFields(file, entry.value, '"goal"', ['event', 'within'], GOAL_EXAMPLE);
  const written = parts.get('event');
  const event = written && parseText(file, written.value, '"event"', GOAL_EXAMPLE);
  const within = parseDurationOf(file, parts, 'within', '7d');
  for (const key of ['event', 'within'])
    if (!parts.has(key)) file.report(entry.at, `the goal has no "${key}"`, GOAL_EXAMPLE);
  if (event && eventTypes && !eventTypes.has(event.text))
    file.report(event.at, `no event is called ${JSON.stringify(event.text)}`, suggest(event.text, eventTypes));
  if (within !== undefined && (within < MIN_GOAL || within > MAX_GOAL)) {
    file.report(parts.get('within')!.value.at, '"within" of a goal must be from 1m to 90d', GOAL_EXAMPLE);
    return undefined;
  }
  return event && within !== undefined ? { event: event.text, within } : undefined;
}

/** Whether a field that has only one value is there. */
function parseWord(file: YamlFile, found: Fields, key: string, word: string): boolean {
  const entry = found.get(key);
  const text = entry && parseText(file, entry.value, `"${key}"`, `${key}: ${word}`);
  return text !== undefined && parseKeyword(file, text, `a value of "${key}"`, [word]) !== undefined;
}

/** Returns a duration in ms; undefined: it is absent, or wrong, which has been reported. */
function parseDurationOf(file: YamlFile, found: Fields, key: string, example: string): Millis | undefined {
  const entry = found.get(key);
  const text = entry && parseText(file, entry.value, `"${key}"`, `${key}: ${example}`);
  const duration = text && parseDuration(text.text);
  if (duration && 'message' in duration) file.report(text!.at, duration.message, duration.hint);
  return duration && 'ms' in duration ? duration.ms : undefined;
}
