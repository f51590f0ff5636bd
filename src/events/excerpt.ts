import type { Json, JsonObject } from '../model/event.ts';
import type { FieldPath, NamedFields } from './named-fields.ts';

/*
 * Excerpts of large events. A rule looks at the stored events of a user, a thousand at a time, and at few of their fields:
 * an event with a large content is stored with an excerpt beside it, which has all its small values, and look-ups read that
 * in its place. Only if a rule, key or template names a field that the excerpt leaves out is the whole content read.
 */

/** Content with more characters of JSON than this is large: it has an excerpt. */
export const MAX_PLAIN_CHARS = 16 * 1024;

/** Bound of an excerpt's values, in characters of JSON. */
const MAX_EXCERPT_CHARS = 8 * 1024;
/** A value with more characters of JSON is left out; of an object, its members are looked at. */
const MAX_VALUE_CHARS = 1024;
/** Bound of the paths of what is left out, in characters. */
const MAX_OMITTED_CHARS = 4 * 1024;

/** The small values of an event with a large content. */
export interface Excerpt {
  readonly properties: JsonObject;
  readonly traits: JsonObject;
  /** Paths of the values that it leaves out; null: more than can be listed. */
  readonly omitted: readonly FieldPath[] | null;
  /** Characters of the JSON of the whole content, as it is stored. */
  readonly size: number;
}

/** The content of an event, without its context. */
export interface Content {
  readonly properties: JsonObject;
  readonly traits: JsonObject;
}

/**
 * Makes the excerpt of a content. It is stored as it is, so what is masked is left out.
 * @param masked the same object if nothing in the content is masked
 * @param size characters of JSON of the content, as it is stored
 * @param maskedContext whether the context is masked where it is stored beside the excerpt
 */
export function makeExcerpt(content: Content, masked: Content, size: number, maskedContext = false): Excerpt {
  const omitted: FieldPath[] = maskedContext ? [['context']] : [];
  const room: Room = { chars: MAX_EXCERPT_CHARS, omittedChars: MAX_OMITTED_CHARS, omitted };
  const properties = pickSmall(content.properties, masked.properties, ['event'], room);
  const traits = pickSmall(content.traits, masked.traits, ['traits'], room);
  return { properties, traits, omitted: room.omitted, size };
}

interface Room {
  chars: number;
  omittedChars: number;
  omitted: FieldPath[] | null;
}

function pickSmall(object: JsonObject, masked: Json | undefined, path: FieldPath, room: Room): JsonObject {
  const small: JsonObject = {};
  for (const [name, value] of Object.entries(object)) {
    const shown = masked === object ? value : getMember(masked, name);
    const size = measure(value);
    const mayKeep = size <= MAX_VALUE_CHARS && name.length + size <= room.chars;
    if (mayKeep && (shown === value || isSame(value, shown))) {
      small[name] = value;
      room.chars -= name.length + size;
    } else if (isObject(value) && room.chars > 0 && room.omitted) {
      small[name] = pickSmall(value, shown, [...path, name], room);
      room.chars -= name.length;
    } else omit([...path, name], room);
  }
  return small;
}

function omit(path: FieldPath, room: Room): void {
  room.omittedChars -= path.join('.').length;
  if (room.omittedChars < 0) room.omitted = null;
  else room.omitted?.push(path);
}

/** Returns the characters of JSON of a value; of a long text at least as many as make it large. */
function measure(value: Json): number {
  if (typeof value === 'string' && value.length > MAX_VALUE_CHARS) return value.length;
  return JSON.stringify(value).length;
}

function isSame(value: Json, shown: Json | undefined): boolean {
  return shown !== undefined && JSON.stringify(value) === JSON.stringify(shown);
}

function getMember(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns whether the excerpt has every one of these fields that the event has. */
export function hasNamedFields({ omitted, properties, traits }: Excerpt, named: NamedFields): boolean {
  if (omitted) return !omitted.some((path) => named.touches(path));
  return named.paths.every(([root, ...steps]) => {
    // It may be masked.
    if (root === 'context') return false;
    let value: Json | undefined = root === 'event' ? properties : traits;
    for (const step of steps) value = getMember(value, step);
    // An object may have lost members.
    return value !== undefined && !isObject(value);
  });
}

/** Returns whether a value has so many characters of JSON that it is large. An estimate, without making the JSON. */
export function isLarge(value: Json): boolean {
  return estimateSize(value, MAX_PLAIN_CHARS) > MAX_PLAIN_CHARS;
}

/** Returns about the number of characters of a value's JSON. @param enough stops beyond this number */
export function estimateSize(value: Json | undefined, enough = Number.POSITIVE_INFINITY): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 5;
  let size = 2;
  // A list has indexes for names.
  for (const name in value) {
    size += name.length + 4 + estimateSize((value as JsonObject)[name], enough - size);
    if (size > enough) break;
  }
  return size;
}

/**
 * Returns the content of an event without the values that are neither small nor named, if it is large; else as it is.
 * @param content properties and traits, as they are
 */
export function condenseContent(content: Content, named: NamedFields): Content {
  const { properties, traits } = content;
  if (!isLarge([properties, traits])) return { properties, traits };
  const small = makeExcerpt(content, content, 0);
  const kept = keepNamedFields(content, named);
  return { properties: { ...small.properties, ...kept.properties }, traits: { ...small.traits, ...kept.traits } };
}

/** Returns the content with its named members alone. */
export function keepNamedFields({ properties, traits }: Content, named: NamedFields): Content {
  return {
    properties: named.keepMembers(properties, 'event'),
    traits: named.keepMembers(traits, 'traits'),
  };
}
