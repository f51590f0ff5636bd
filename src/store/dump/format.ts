import { z } from 'zod';
import { ConfigError } from '../../errors.ts';

/*
 * A dump is a gzip file of lines in UTF-8:
 *
 *   {"format":"tidings-dump","format_version":1, …}            the header
 *   one line a row, as COPY writes it in its text format       for each table of the header, in its order
 *   \.
 *   {"table":"events","rows":2,"sha256":"…"}
 *   {"end":true,"rows":5,"sha256":"…","seal":"…"}              the end: a hash over all lines before, sealed
 *
 * The hash at the end is sealed with the encryption key, so a dump that was changed, or made with another key, is detected.
 */

export const FORMAT = 'tidings-dump';
/** Version of the format. A program reads the versions up to its own. */
export const FORMAT_VERSION = 1;

/** Bound of a line that is not a row. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

/** Purpose that the hash at the end is sealed for. */
export const SEAL_PURPOSE = 'dump';
/** A text whose keyed hash shows whether two installations hash with the same key. */
export const HASH_CHECK_TEXT = 'tidings dump';

const NAME = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/);

const HEADER = z.object({
  format: z.literal(FORMAT),
  format_version: z.number().int(),
  /** Version of the program that made the dump. */
  program: z.string(),
  /** Time of the snapshot, by the clock of the database. */
  created_at: z.iso.datetime(),
  /** The only tenant in it; null: all. */
  tenant: z.string().nullable(),
  /** Ids of the keys that something in it is sealed under. */
  key_ids: z.array(z.string()).min(1),
  /** Keyed hash of HASH_CHECK_TEXT. */
  hash_check: z.string(),
  /** The schema files that had run. */
  schema: z.array(z.object({ file: z.string(), hash: z.string() })),
  /** Months that have a partition, such as `2025-11`, by table. */
  partitions: z.record(NAME, z.array(z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/)).max(2400)),
  tables: z.array(z.object({ name: NAME, columns: z.array(z.object({ name: NAME, type: z.string() })) })),
});
export type DumpHeader = z.infer<typeof HEADER>;

const TABLE_END = z.object({ table: NAME, rows: z.number().int(), sha256: z.string() });
export type TableEnd = z.infer<typeof TABLE_END>;

const DUMP_END = z.object({ end: z.literal(true), rows: z.number().int(), sha256: z.string(), seal: z.string() });
export type DumpEnd = z.infer<typeof DUMP_END>;

/** A dump that cannot be restored, for a reason that the message names. */
export class DumpError extends ConfigError {}

/** Parses the first line. @throws DumpError if it is not the header of a dump that this program can read */
export function parseHeader(line: string): DumpHeader {
  const json = parseJson(line);
  if ((json as { format?: unknown } | null)?.format !== FORMAT) throw notADump();
  const version = (json as { format_version?: unknown }).format_version;
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    throw new DumpError(
      `the dump has format version ${version}, and this program reads up to ${FORMAT_VERSION}; use a newer Tidings`,
    );
  }
  return parse(HEADER, json);
}

export function parseTableEnd(line: string): TableEnd {
  return parse(TABLE_END, parseJson(line));
}

export function parseDumpEnd(line: string): DumpEnd {
  return parse(DUMP_END, parseJson(line));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function parse<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (!result.success) throw damaged();
  return result.data;
}

/** Returns the error for a file that is not what was written. */
export function damaged(): DumpError {
  return new DumpError('the dump is damaged: its content is not what was written; nothing was restored');
}

/** Returns the error for a file that ends too early. */
export function truncated(): DumpError {
  return new DumpError('the dump is incomplete: it ends too early; nothing was restored');
}

/** Returns the error for a file of another kind. */
export function notADump(): DumpError {
  return new DumpError('this is not a dump of Tidings');
}
