import { CHANNELS } from '../../model/delivery.ts';
import { type MessageSink, SINK_DECISIONS, SINK_FORMATS, SINK_KEYS } from '../../model/sink.ts';
import { EVENT_TYPE_PATTERN } from '../../model/webhook.ts';
import { LIFECYCLE_EVENTS } from '../lifecycle-events.ts';
import {
  checkName,
  parseDescription,
  parseEntries,
  parseFields,
  parseFilledFields,
  parseKeyword,
  parseTexts,
  parseWord,
} from './fields.ts';
import { suggest } from './suggest.ts';
import { parseTopic, type SourceTopics } from './topics.ts';
import type { Entry, YamlFile } from './yaml.ts';

const EXAMPLE = 'outcomes: { topic: shop.outcomes, event_types: [notification.*] }';
const TOPIC = 'topic: shop.outcomes';
const TYPES = 'event_types: [notification.failed, order.*]';

/** Sinks of a catalog, at most: a fact is written once for each that receives it. */
const MAX_SINKS = 20;
/** Types, notification types or channels of a sink, at most. */
const MAX_SELECTED = 100;

const KEYS = [
  'description',
  'topic',
  'event_types',
  'notification_types',
  'channels',
  'decisions',
  'format',
  'key',
] as const;

export interface SinkSymbols {
  /** Event types of events.yaml; undefined: they are not known. */
  readonly eventTypes: ReadonlySet<string> | undefined;
  /** Undefined: they are not known. */
  readonly notificationTypes: ReadonlySet<string> | undefined;
  readonly sources: SourceTopics;
}

const OWN_TYPES: ReadonlySet<string> = new Set(LIFECYCLE_EVENTS.map(({ name }) => name));

/** Parses sinks.yaml: topics that Tidings writes. */
export function parseSinks(file: YamlFile, symbols: SinkSymbols): MessageSink[] {
  const top = parseFields(file, file.root!, 'sinks.yaml', ['sinks'], `sinks: { ${EXAMPLE} }`);
  const entry = top.get('sinks');
  const entries = entry ? parseEntries(file, entry.value, '"sinks"', EXAMPLE) : [];
  if (entries.length > MAX_SINKS) {
    file.report(entries[MAX_SINKS]!.at, `there are ${entries.length} sinks`, `at most ${MAX_SINKS} are allowed`);
    return [];
  }
  const topics = new Map<string, string>();
  return entries.flatMap((one) => parseSink(file, one, symbols, topics) ?? []);
}

/** @param topics names of the sinks before it, by topic */
function parseSink(
  file: YamlFile,
  entry: Entry,
  symbols: SinkSymbols,
  topics: Map<string, string>,
): MessageSink | undefined {
  const { key: name } = entry;
  checkName(file, entry, EXAMPLE);
  const found = parseFilledFields(file, entry.value, name, KEYS, EXAMPLE);
  const topic = parseTopic(file, entry, found.get('topic'), TOPIC);
  if (topic) checkTopic(file, { name, at: topic.at, topic: topic.text }, symbols.sources, topics);
  if (symbols.sources.deadLetters.has(name)) {
    const hint = 'commands name both: choose another name';
    file.report(entry.at, `${name} is the name of a topic for dead letters, too`, hint);
  }
  const decisions = parseWord(file, found.get('decisions'), 'a choice of decisions', SINK_DECISIONS) ?? 'none';
  const eventTypes = parseEventTypes(file, found.get('event_types'), symbols.eventTypes);
  if (!found.has('event_types') && decisions === 'none' && entry.value.kind === 'map') {
    file.report(entry.at, `${name} does not say what is written`, `${TYPES}, or decisions: sent`);
  }
  const notificationTypes = parseList(file, found.get('notification_types'), 'notification_types: [WELCOME]');
  for (const { at, text } of notificationTypes ?? []) {
    if (!symbols.notificationTypes || symbols.notificationTypes.has(text)) continue;
    file.report(at, `notifications.yaml has no notification ${text}`, suggest(text, symbols.notificationTypes));
  }
  const channels = parseList(file, found.get('channels'), 'channels: [email]')?.flatMap(
    (text) => parseKeyword(file, text, 'a channel', CHANNELS) ?? [],
  );
  const format = parseWord(file, found.get('format'), 'a format of messages', SINK_FORMATS) ?? 'binary';
  const key = parseWord(file, found.get('key'), 'a key of messages', SINK_KEYS) ?? 'tenant_user';
  if (!topic) return undefined;
  return {
    name,
    ...parseDescription(file, found),
    topic: topic.text,
    eventTypes,
    ...(notificationTypes && { notificationTypes: notificationTypes.map(({ text }) => text) }),
    ...(channels && { channels }),
    decisions,
    format,
    key,
  };
}

/** Reports a topic that another sink writes, or that a source reads: its messages would come back as events, and be written again. */
function checkTopic(
  file: YamlFile,
  { name, at, topic }: { readonly name: string; readonly at: number; readonly topic: string },
  { read, deadLetters }: SourceTopics,
  topics: Map<string, string>,
): void {
  const reader = read.get(topic);
  if (reader !== undefined) {
    const hint = 'what is written would be read, and written again: choose another topic';
    file.report(at, `the source ${reader} reads this topic`, hint);
  }
  const owner = deadLetters.get(topic);
  if (owner !== undefined) file.report(at, `dead letters of the source ${owner} go to this topic`, TOPIC);
  const other = topics.get(topic);
  if (other !== undefined) file.report(at, `${other} writes this topic as well`, 'a topic has one sink');
  topics.set(topic, name);
}

function parseEventTypes(file: YamlFile, entry: Entry | undefined, known: ReadonlySet<string> | undefined): string[] {
  return (parseList(file, entry, TYPES) ?? []).flatMap(({ at, text }) => {
    if (!EVENT_TYPE_PATTERN.test(text)) {
      file.report(at, `${JSON.stringify(text.slice(0, 60))} has a * that is not its end`, TYPES);
      return [];
    }
    if (known && !text.endsWith('*') && !known.has(text) && !OWN_TYPES.has(text)) {
      const near = suggest(text, [...known, ...OWN_TYPES]);
      file.report(at, `${text} is no event type of events.yaml, and nothing that Tidings reports`, near);
    }
    return [text];
  });
}

function parseList(file: YamlFile, entry: Entry | undefined, example: string) {
  if (!entry) return undefined;
  const texts = parseTexts(file, entry.value, `"${entry.key}"`, example);
  if (texts.length <= MAX_SELECTED) return texts;
  file.report(entry.value.at, `"${entry.key}" has ${texts.length} entries`, `at most ${MAX_SELECTED} are allowed`);
  return [];
}
