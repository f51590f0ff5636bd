import { isUtf8 } from 'node:buffer';
import { parseExactJson } from './exact-json.ts';

/* Lines of JSON (NDJSON) that arrive as a stream of bytes. */

/** Bytes of a line, at most. */
export const MAX_LINE_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

/**
 * Splits a stream of bytes into its lines, without their ends. What follows the last end is a line, unless it is empty.
 * Undefined: a line that is longer than `maxBytes`, of which nothing is kept.
 */
export async function* splitLines(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer) => {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
    else parts = [];
  };
  const take = (): Buffer | undefined => {
    const line = bytes > maxBytes ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    parts = [];
    bytes = 0;
    return line;
  };
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (bytes > 0) yield take();
}

/** A line that cannot be read. */
export interface LineProblem {
  readonly code: 'line_too_long' | 'invalid_json';
  /** The end of a sentence about the line, which quotes nothing of it. */
  readonly reason: string;
}

/**
 * Reads the JSON of a line. Returns undefined for an empty one. Never throws.
 * @param bytes undefined: the line is longer than MAX_LINE_BYTES
 * @param advice what is right, as `write an object on each line`
 */
export function readJsonLine(
  bytes: Buffer | undefined,
  advice: string,
): { readonly value: unknown } | LineProblem | undefined {
  if (bytes === undefined) return { code: 'line_too_long', reason: `has more than ${MAX_LINE_BYTES / 1024} KiB` };
  if (!isUtf8(bytes)) return { code: 'invalid_json', reason: 'is not UTF-8' };
  const text = bytes.toString('utf8').trim();
  if (text === '') return undefined;
  try {
    return { value: parseExactJson(text) };
  } catch {
    return { code: 'invalid_json', reason: `is no JSON; ${advice}` };
  }
}
