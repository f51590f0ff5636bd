import { isRejection, type ReceivedEvent, withPostedAddresses } from '../events/envelope.ts';
import { type EventRules, parseItem } from '../events/parse-item.ts';
import { JsonSyntaxError, parseExactJson } from '../lib/text/exact-json.ts';

/** Thrown if a text is neither a JSON array nor one JSON value per line. */
export class EventFileError extends Error {
  override readonly name = 'EventFileError';
}

export interface ParsedEventFile {
  /** The valid events, in the order of the file. */
  readonly events: readonly ReceivedEvent[];
  /** A sentence for each invalid event, with its number, counted from 1. */
  readonly rejections: readonly string[];
}

/**
 * Parses events as they are posted: a JSON array, or one event per line.
 *
 * @throws EventFileError if the text cannot be parsed
 */
export function parseEventFile(text: string, rules: EventRules): ParsedEventFile {
  const events: ReceivedEvent[] = [];
  const rejections: string[] = [];
  for (const [index, item] of parseItems(text).entries()) {
    const event = parseItem('', item, rules);
    if (isRejection(event)) rejections.push(`event ${index + 1}: ${event.code}: ${event.message}`);
    else events.push(withPostedAddresses(event));
  }
  return { events, rejections };
}

function parseItems(text: string): unknown[] {
  // `\s` includes the byte order mark.
  if (/^\s*\[/.test(text)) return parseWhole(text) as unknown[];
  const items: unknown[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    try {
      items.push(parseExactJson(line));
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      throw new EventFileError(`line ${index + 1} is not JSON: ${error.message.replace('line 1, ', '')}`);
    }
  }
  return items;
}

function parseWhole(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new EventFileError(`this is not JSON: ${error.message}`);
  }
}
