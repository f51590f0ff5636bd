/** Bytes of JSON: none of them is a part of another character in UTF-8. */
const [QUOTE, BACKSLASH, COLON, COMMA] = [0x22, 0x5c, 0x3a, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const SPACES: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** A value within bytes: from `start` until before `end`. */
interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * Finds the value of a member of a JSON object in its bytes, without making a text of any value. Members of objects within it are
 * others.
 * @returns undefined: there is no such member, or there are several, or it is not an object
 */
export function findMember(json: Buffer, name: string): Place | undefined {
  let at = skipSpaces(json, 0);
  if (json[at] !== OPEN_OBJECT) return undefined;
  let found: Place | undefined;
  do {
    const start = skipSpaces(json, at + 1);
    if (json[start] === CLOSE_OBJECT) return found;
    const end = endOfValue(json, start);
    const isMember = json[start] === QUOTE && readName(json.subarray(start, end)) === name;
    const colon = skipSpaces(json, end);
    if (json[colon] !== COLON) return undefined;
    const value = skipSpaces(json, colon + 1);
    const after = endOfValue(json, value);
    if (isMember && found) return undefined;
    if (isMember) found = { start: value, end: after };
    at = skipSpaces(json, after);
  } while (json[at] === COMMA);
  return json[at] === CLOSE_OBJECT ? found : undefined;
}

/** Returns the name that a member has; undefined: it is no valid one. */
function readName(quoted: Buffer): string | undefined {
  try {
    return JSON.parse(quoted.toString()) as string;
  } catch {
    return undefined;
  }
}

function skipSpaces(json: Buffer, from: number): number {
  let at = from;
  while (SPACES.has(json[at])) at++;
  return at;
}

/** Returns the place behind a value; behind the last byte where the value does not end. */
function endOfValue(json: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < json.length) {
    const byte = json[at];
    if (byte === QUOTE) {
      at = endOfString(json, at);
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth++;
      at++;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      if (depth === 0) return at;
      depth--;
      at++;
    } else if (depth === 0 && (byte === COMMA || byte === COLON || SPACES.has(byte))) {
      return at;
    } else {
      at++;
      continue;
    }
    if (depth === 0) return at;
  }
  return at;
}

function endOfString(json: Buffer, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, json.length);
}
