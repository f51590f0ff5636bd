import { parsePath, readPath, type Steps } from '../../events/envelopes/path.ts';
import { compileCondition, compileExpression } from '../../expressions/condition.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { NOTIFICATION_REQUESTED } from '../../model/direct.ts';
import type { Json, JsonObject } from '../../model/event.ts';
import type { ObjectSource, Source } from '../../model/mapping.ts';
import type { KafkaMessage, MessageSource, SourceText } from '../../model/source.ts';
import { isoTime, LAST_TIME } from '../../time/iso-time.ts';
import { SOURCE_SCOPE } from '../source-scope.ts';

/** A message as its source sees it. */
export type MappedMessage =
  /** `when` is not true. */
  | { readonly kind: 'skipped' }
  /** An event as it would be posted, with an id of its own. */
  | { readonly kind: 'event'; readonly item: JsonObject }
  /** It asks for a notification: the request without its recipients. */
  | {
      readonly kind: 'request';
      readonly userId: string;
      readonly eventId: string;
      readonly time: string;
      readonly request: JsonObject;
    }
  | { readonly kind: 'rejected'; readonly path: string; readonly message: string };

/** A source, ready to read messages. */
export interface CompiledSource {
  readonly source: MessageSource;
  /** Returns what a message is. Never throws. @param id its identity, if it brings none */
  map(message: KafkaMessage, id: string): MappedMessage;
  /** Returns the tenant that a message names; null: it names none; undefined: the source is that of one tenant. Never throws. */
  findTenant(message: KafkaMessage): string | null | undefined;
}

/** Compiles the sources of a catalog. @throws Error if one does not compile, which checked data never causes */
export function compileSources({ sources = [] }: CatalogData): readonly CompiledSource[] {
  return sources.map(compileSource);
}

/** Finds a value: undefined without one. @throws Rejected */
type Find = (message: JsonObject) => Json | undefined;

/** A message that cannot be mapped, and the part of the source that says so. */
class Rejected extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

function compileSource(source: MessageSource): CompiledSource {
  const when = source.when === undefined ? undefined : compileWhen(source.when);
  const map = source.eventType === undefined ? takeAsPosted : compileEvent(source, source.eventType);
  const tenant = source.tenant === undefined ? undefined : compileText('tenant', source.tenant);
  return {
    source,
    map(message, id) {
      try {
        if (message.value === undefined) throw new Rejected('value', 'is not JSON');
        const seen = message as unknown as JsonObject;
        if (when && !when(seen)) return { kind: 'skipped' };
        return map(seen, id);
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        return { kind: 'rejected', path: error.path, message: error.message };
      }
    },
    findTenant(message) {
      if (!tenant) return undefined;
      try {
        return toText('tenant', tenant({ ...message, value: message.value ?? null } as unknown as JsonObject)) ?? null;
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        return null;
      }
    },
  };
}

/** Takes the value as an event in one of the envelopes that are posted. One of our own without an id gets one. */
function takeAsPosted(message: JsonObject, id: string): MappedMessage {
  const value = message.value as Json;
  if (!isObject(value)) throw new Rejected('value', 'is no object, so it is no event');
  const isOurs = Object.hasOwn(value, 'event_type') && (value.event_id === undefined || value.event_id === null);
  return { kind: 'event', item: isOurs ? { ...value, event_id: id } : value };
}

function compileEvent(
  source: MessageSource,
  eventType: SourceText,
): (message: JsonObject, id: string) => MappedMessage {
  const findType = compileText('event_type', eventType);
  const find = (name: string, one: Source | undefined) => (one ? compileFrom(name, one) : () => undefined);
  const findUser = find('user_id', source.userId);
  const findId = find('event_id', source.eventId);
  const findTime = find('time', source.time);
  const findCorrelation = find('correlation_id', source.correlationId);
  const findProperties = compileObject('properties', source.properties ?? { from: ['message.value'] });
  const findTraits = source.traits && compileObject('traits', source.traits);
  return (message, id) => {
    const type = toText('event_type', findType(message));
    if (type === undefined) throw new Rejected('event_type', 'has no value in this message');
    const userId = toText('user_id', findUser(message));
    if (userId === undefined) throw new Rejected('user_id', 'has no value in this message, so it names no user');
    const eventId = toText('event_id', findId(message)) ?? id;
    const time = toTime(findTime(message)) ?? (message.timestamp as string);
    const properties = findProperties(message);
    const correlation = toText('correlation_id', findCorrelation(message));
    const context = {
      source: message.topic as string,
      ...(correlation !== undefined && { correlation_id: correlation }),
    };
    if (type === NOTIFICATION_REQUESTED) {
      return { kind: 'request', userId, eventId, time, request: { context, ...properties } };
    }
    const item: JsonObject = {
      event_id: eventId,
      user_id: userId,
      event_type: type,
      event_timestamp: time,
      properties,
      ...(findTraits && { user_traits: findTraits(message) }),
      context,
    };
    return { kind: 'event', item };
  };
}

function compileText(name: string, text: SourceText): Find {
  return typeof text === 'string' ? () => text : compileFrom(name, text);
}

function compileFrom(name: string, { from }: Source): Find {
  const finds = from.map((text) => compileOne(name, text));
  return (message) => {
    for (const find of finds) {
      const value = find(message);
      if (value !== undefined && value !== null) return value;
    }
    return undefined;
  };
}

/** An expression that is only a path is read directly: it costs little, and the value has the bound of an event alone. */
function compileOne(name: string, text: string): Find {
  const steps = toSteps(text);
  if (steps) return (message) => readPath(message, steps);
  const compiled = compileExpression(text, SOURCE_SCOPE);
  if ('problems' in compiled) throw new Error(`${text}: ${compiled.problems[0]?.message}`);
  return (message) => {
    const result = compiled.expression.evaluate({ event: {}, traits: {}, user: {}, message });
    if (result.kind === 'error') throw new Rejected(name, `cannot be evaluated: ${result.message}`);
    return result.kind === 'value' ? result.value : undefined;
  };
}

function toSteps(text: string): Steps | undefined {
  const parsed = parsePath(text);
  return 'steps' in parsed && parsed.steps[0] === 'message' && parsed.steps.length > 1
    ? parsed.steps.slice(1)
    : undefined;
}

function compileWhen(text: string): (message: JsonObject) => boolean {
  const compiled = compileCondition(text, SOURCE_SCOPE);
  if ('problems' in compiled) throw new Error(`${text}: ${compiled.problems[0]?.message}`);
  return (message) => {
    const result = compiled.condition.evaluate({ event: {}, traits: {}, user: {}, message });
    if (result.kind === 'error') throw new Rejected('when', `cannot be evaluated: ${result.message}`);
    return result.kind === 'true';
  };
}

function compileObject(name: string, source: ObjectSource): (message: JsonObject) => JsonObject {
  if (!('fields' in source)) {
    const find = compileFrom(name, source as Source);
    return (message) => {
      const value = find(message) ?? {};
      if (!isObject(value)) throw new Rejected(name, 'is no object in this message');
      return value;
    };
  }
  const fields = Object.entries(source.fields).map(
    ([field, one]) => [field, compileFrom(`${name}.${field}`, one)] as const,
  );
  return (message) => {
    const values: [string, Json][] = [];
    for (const [field, find] of fields) {
      const value = find(message);
      if (value !== undefined) values.push([field, value]);
    }
    return Object.fromEntries(values);
  };
}

function toText(name: string, value: Json | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new Rejected(name, 'is no text in this message');
}

/** A number is a time in ms since 1970. */
function toTime(value: Json | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  if (typeof value === 'number' && value >= 0 && value <= LAST_TIME) return isoTime(Math.trunc(value));
  throw new Rejected('time', 'is neither ISO 8601 nor a number of ms since 1970 in this message');
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
