import { compileCondition, compileExpression } from '../../expressions/condition.ts';
import { NOTIFICATION_REQUESTED } from '../../model/direct.ts';
import { type MessageSource, SOURCE_FORMATS, SOURCE_STARTS, type SourceText } from '../../model/source.ts';
import { SOURCE_SCOPE } from '../source-scope.ts';
import {
  checkName,
  type Fields,
  parseDescription,
  parseEntries,
  parseFields,
  parseFilledFields,
  parseText,
  parseWord,
} from './fields.ts';
import { type Places, parseFrom, parseObjectFrom } from './from-places.ts';
import { suggest } from './suggest.ts';
import { checkTopicName, listSourceTopics, parseTopic } from './topics.ts';
import type { Entry, Text, YamlFile } from './yaml.ts';

const EXAMPLE =
  'orders: { topic: shop.orders, event_type: order_placed, user_id: { from: message.value.customer_id } }';
const DEAD_LETTERS = '"dead_letter_topic"';
const FROM = '{ from: message.value.customer_id }';
const EXPRESSIONS: Places = {
  example: FROM,
  whole: 'message.value',
  member: 'message.value.total',
  noun: 'expressions',
  read: (file, text) => checkExpression(file, text, (expression) => compileExpression(expression, SOURCE_SCOPE)),
};

/** Sources of a catalog, at most. */
const MAX_SOURCES = 100;

const KEYS = [
  'description',
  'topic',
  'format',
  'event_type',
  'when',
  'user_id',
  'event_id',
  'time',
  'correlation_id',
  'properties',
  'traits',
  'tenant',
  'start',
  'dead_letter_topic',
];

/** Parts that have a place only if the source says which event a message is. */
const MAPPED_KEYS = ['user_id', 'event_id', 'time', 'correlation_id', 'properties', 'traits'];

/**
 * Parses sources.yaml: topics whose messages are events.
 * @param eventTypes those of events.yaml; undefined: they are not known
 */
export function parseSources(file: YamlFile, eventTypes: ReadonlySet<string> | undefined): MessageSource[] {
  const top = parseFields(file, file.root!, 'sources.yaml', ['sources'], `sources: { ${EXAMPLE} }`);
  const entry = top.get('sources');
  const entries = entry ? parseEntries(file, entry.value, '"sources"', EXAMPLE) : [];
  if (entries.length > MAX_SOURCES) {
    const at = entries[MAX_SOURCES]!.at;
    file.report(at, `there are ${entries.length} sources`, `at most ${MAX_SOURCES} are allowed`);
    return [];
  }
  const topics = new Map<string, string>();
  const sources = entries.flatMap((one) => parseSource(file, one, eventTypes, topics) ?? []);
  checkDeadLetterTopics(file, entries, sources);
  return sources;
}

/** @param topics names of the sources before it, by topic */
function parseSource(
  file: YamlFile,
  entry: Entry,
  eventTypes: ReadonlySet<string> | undefined,
  topics: Map<string, string>,
): MessageSource | undefined {
  const { key: name } = entry;
  checkName(file, entry, EXAMPLE);
  const found = parseFilledFields(file, entry.value, name, KEYS, EXAMPLE);
  const topic = parseReadTopic(file, entry, found.get('topic'), topics);
  const deadLetterTopic = parseDeadLetterTopic(file, topic, found.get('dead_letter_topic'));
  const format = parseWord(file, found.get('format'), 'a format of messages', SOURCE_FORMATS) ?? 'json';
  const eventType = parseEventType(file, found.get('event_type'), eventTypes);
  const mapped = MAPPED_KEYS.map((key) => found.get(key)).find((one) => one !== undefined);
  if (!found.has('event_type') && mapped) {
    const hint = 'add event_type, or leave it out: then the value is an event as it would be posted';
    file.report(mapped.at, `"${mapped.key}" needs "event_type"`, hint);
  }
  if (found.has('event_type') && !found.has('user_id') && entry.value.kind === 'map') {
    file.report(entry.at, `${name} does not say whose events its messages are`, `user_id: ${FROM}`);
  }
  const when = parseWhen(file, found.get('when'));
  const start = parseWord(file, found.get('start'), 'a start', SOURCE_STARTS);
  const tenant = parseSourceText(file, found.get('tenant'), 'tenant: { from: message.headers.tenant }');
  if (topic === undefined) return undefined;
  return {
    name,
    ...parseDescription(file, found),
    topic,
    format,
    ...(eventType !== undefined && { eventType }),
    ...(when !== undefined && { when }),
    ...parseMapped(file, found),
    ...(tenant !== undefined && { tenant }),
    ...(start && { start }),
    ...(deadLetterTopic !== undefined && { deadLetterTopic }),
  };
}

/** Parses a topic that no other source reads. */
function parseReadTopic(
  file: YamlFile,
  source: Entry,
  entry: Entry | undefined,
  topics: Map<string, string>,
): string | undefined {
  const text = parseTopic(file, source, entry, 'topic: shop.orders');
  if (!text) return undefined;
  const other = topics.get(text.text);
  if (other !== undefined) file.report(text.at, `${other} reads this topic as well`, 'a topic has one source');
  topics.set(text.text, source.key);
  return text.text;
}

/** Parses the topic that messages go to which cannot be read: `true` stands for that of the source with `.dlq`. */
function parseDeadLetterTopic(file: YamlFile, topic: string | undefined, entry: Entry | undefined): string | undefined {
  if (!entry) return undefined;
  const { value } = entry;
  const example = 'dead_letter_topic: true, or the name of a topic';
  if (value.kind === 'boolean' && !value.value) return undefined;
  const text = value.kind === 'boolean' ? topic && `${topic}.dlq` : parseText(file, value, DEAD_LETTERS, example)?.text;
  return text !== undefined && checkTopicName(file, value.at, text) ? text : undefined;
}

/** Reports topics for dead letters that a source reads: what it cannot read would come back. */
function checkDeadLetterTopics(file: YamlFile, entries: readonly Entry[], sources: readonly MessageSource[]): void {
  const { read } = listSourceTopics(sources);
  for (const { name, deadLetterTopic } of sources) {
    const reader = deadLetterTopic === undefined ? undefined : read.get(deadLetterTopic);
    if (reader === undefined) continue;
    const at = entries.find(({ key }) => key === name)?.at ?? 0;
    const message = `the source ${reader} reads ${deadLetterTopic}, the topic for dead letters of ${name}`;
    file.report(at, message, 'choose another topic: what cannot be read would come back');
  }
}

function parseEventType(
  file: YamlFile,
  entry: Entry | undefined,
  eventTypes: ReadonlySet<string> | undefined,
): SourceText | undefined {
  const parsed = parseSourceText(file, entry, 'event_type: order_placed, or { from: message.value.type }');
  if (typeof parsed !== 'string' || !entry || !eventTypes) return parsed;
  if (!eventTypes.has(parsed) && parsed !== NOTIFICATION_REQUESTED) {
    file.report(entry.value.at, `events.yaml has no event type ${parsed}`, suggest(parsed, eventTypes));
  }
  return parsed;
}

function parseSourceText(file: YamlFile, entry: Entry | undefined, example: string): SourceText | undefined {
  if (!entry) return undefined;
  if (entry.value.kind === 'map') return parseFrom(file, entry, EXPRESSIONS);
  return parseText(file, entry.value, `"${entry.key}"`, example)?.text;
}

type Mapped = Pick<MessageSource, 'userId' | 'eventId' | 'time' | 'correlationId' | 'properties' | 'traits'>;

function parseMapped(file: YamlFile, found: Fields): Mapped {
  const text = (key: string) => {
    const entry = found.get(key);
    return entry && parseFrom(file, entry, EXPRESSIONS);
  };
  const object = (key: string) => {
    const entry = found.get(key);
    return entry && parseObjectFrom(file, entry, EXPRESSIONS);
  };
  const all = {
    userId: text('user_id'),
    eventId: text('event_id'),
    time: text('time'),
    correlationId: text('correlation_id'),
    properties: object('properties'),
    traits: object('traits'),
  };
  return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined)) as Mapped;
}

function parseWhen(file: YamlFile, entry: Entry | undefined): string | undefined {
  const text = entry && parseText(file, entry.value, '"when"', 'when: message.value.status == "APPROVED"');
  return text && checkExpression(file, text, (expression) => compileCondition(expression, SOURCE_SCOPE));
}

function checkExpression(
  file: YamlFile,
  text: Text,
  compile: (expression: string) => ReturnType<typeof compileCondition> | ReturnType<typeof compileExpression>,
): string {
  const expression = text.text.trim();
  const compiled = compile(expression);
  const indent = text.text.length - text.text.trimStart().length;
  for (const { offset, message, hint } of 'problems' in compiled ? compiled.problems : []) {
    const comment = text.cutByComment ? 'a # after a space begins a comment: put all of it in quotes' : hint;
    file.report(text.offsetOf(offset + indent), message, comment);
  }
  return expression;
}
