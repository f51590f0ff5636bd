import { createHash, type Hash } from 'node:crypto';
import type { Seal } from '../../privacy/seal.ts';
import {
  type DumpEnd,
  DumpError,
  type DumpHeader,
  damaged,
  MAX_LINE_BYTES,
  notADump,
  parseDumpEnd,
  parseHeader,
  parseTableEnd,
  SEAL_PURPOSE,
  type TableEnd,
  truncated,
} from './format.ts';

/** A part of a dump, in the order of the file. `rows` are the bytes of complete and partial rows of the current table. */
export type DumpPart =
  | { readonly type: 'header'; readonly header: DumpHeader }
  | { readonly type: 'table'; readonly name: string; readonly columns: readonly string[] }
  | { readonly type: 'rows'; readonly bytes: Buffer }
  | { readonly type: 'table end'; readonly end: TableEnd }
  | { readonly type: 'end'; readonly end: DumpEnd };

/** A dump of which the header was read and checked. */
export interface OpenedDump {
  readonly header: DumpHeader;
  /** The other parts. */
  readonly parts: AsyncGenerator<DumpPart, void>;
}

/** Reads the header of a dump. Throws as `readDump` does. */
export async function readHeader(source: AsyncIterable<Buffer>, seal: Seal): Promise<OpenedDump> {
  const parts = readDump(source, seal);
  const { value } = await parts.next();
  if (value?.type !== 'header') throw damaged();
  return { header: value.header, parts };
}

/**
 * Reads a dump part by part, in bounded memory, and checks it: counts and hashes after each table, the sealed hash at the end.
 * Only when the part `end` was returned is the whole dump known to be as it was written.
 *
 * @param source the decompressed bytes
 * @throws DumpError if it is not a dump, damaged, incomplete, of a later format, or sealed under a key that the seal lacks
 */
export async function* readDump(source: AsyncIterable<Buffer>, seal: Seal): AsyncGenerator<DumpPart, void> {
  const input = new DumpInput(source);
  const header = parseHeader(await input.readLine());
  requireKeys(header, seal);
  yield { type: 'header', header };
  let total = 0;
  for (const { name, columns } of header.tables) {
    yield { type: 'table', name, columns: columns.map((column) => column.name) };
    const hash = createHash('sha256');
    let rows = 0;
    for await (const bytes of input.readRows()) {
      hash.update(bytes);
      rows += countLines(bytes);
      yield { type: 'rows', bytes };
    }
    const end = parseTableEnd(await input.readLine());
    if (end.table !== name || end.rows !== rows || end.sha256 !== hash.digest('hex')) throw damaged();
    total += rows;
    yield { type: 'table end', end };
  }
  const sha256 = input.digest();
  const end = parseDumpEnd(await input.readLine());
  if (end.sha256 !== sha256 || end.rows !== total || openHash(end, seal) !== sha256) throw damaged();
  if (!(await input.isAtEnd())) throw damaged();
  yield { type: 'end', end };
}

function requireKeys({ key_ids }: DumpHeader, seal: Seal): void {
  const missing = key_ids.filter((id) => !seal.keyIds.includes(id));
  if (missing.length === 0) return;
  throw new DumpError(
    `the dump is sealed under key ${missing.join(', ')}, but this process has key ${seal.keyIds.join(', ')}; ` +
      'set TIDINGS_ENCRYPTION_KEY to the key of the installation that was dumped',
  );
}

function openHash(end: DumpEnd, seal: Seal): string | undefined {
  try {
    return seal.open(Buffer.from(end.seal, 'base64'), SEAL_PURPOSE);
  } catch {
    return undefined;
  }
}

const NEWLINE = 0x0a;
/** Message of zlib for a file that gzip did not make. */
const NOT_GZIP = 'incorrect header check';
/** The line after the rows of a table. COPY never writes a row that equals it. */
const ROWS_END = Buffer.from('\\.\n');

/** The bytes of a dump, of which lines and rows are read alternately. */
class DumpInput {
  readonly #source: AsyncIterator<Buffer>;
  readonly #hash: Hash = createHash('sha256');
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Returns the next line, without its end. */
  async readLine(): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    for (;;) {
      const at = this.#rest.indexOf(NEWLINE);
      const bytes = at < 0 ? this.#rest : this.#rest.subarray(0, at + 1);
      this.#hash.update(bytes);
      chunks.push(bytes);
      size += bytes.length;
      this.#rest = this.#rest.subarray(bytes.length);
      if (at >= 0) return Buffer.concat(chunks).toString('utf8', 0, size - 1);
      if (size > MAX_LINE_BYTES) throw notADump();
      await this.#fill();
    }
  }

  /** Returns the rows up to the line that ends them, in pieces that may end anywhere. */
  async *readRows(): AsyncGenerator<Buffer, void> {
    let isAtLineStart = true;
    for (;;) {
      const end = findRowsEnd(this.#rest, isAtLineStart);
      const bytes = this.#rest.subarray(0, end ?? this.#rest.length - heldBack(this.#rest, isAtLineStart));
      if (bytes.length > 0) {
        isAtLineStart = bytes.at(-1) === NEWLINE;
        this.#hash.update(bytes);
        this.#rest = this.#rest.subarray(bytes.length);
        yield bytes;
      }
      if (end !== undefined) {
        this.#hash.update(ROWS_END);
        this.#rest = this.#rest.subarray(ROWS_END.length);
        return;
      }
      await this.#fill();
    }
  }

  /** Returns the hash of all that was read so far. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && (await this.#source.next()).done === true;
  }

  /** Reads on. @throws DumpError if there is nothing left, or what is left cannot be decompressed */
  async #fill(): Promise<void> {
    let next: IteratorResult<Buffer>;
    try {
      next = await this.#source.next();
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (code === 'Z_BUF_ERROR') throw truncated();
      if (/^Z_/.test(code)) throw (error as Error).message === NOT_GZIP ? notADump() : damaged();
      throw error;
    }
    if (next.done) throw truncated();
    this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
  }
}

/** Returns the index of the line that ends the rows; undefined if it does not begin and end in these bytes. */
function findRowsEnd(bytes: Buffer, isAtLineStart: boolean): number | undefined {
  for (let at = bytes.indexOf(ROWS_END); at >= 0; at = bytes.indexOf(ROWS_END, at + 1)) {
    if (at === 0 ? isAtLineStart : bytes[at - 1] === NEWLINE) return at;
  }
  return undefined;
}

/** Returns how many of the last bytes may be the beginning of the line that ends the rows. */
function heldBack(bytes: Buffer, isAtLineStart: boolean): number {
  for (const size of [2, 1]) {
    const from = bytes.length - size;
    if (from < 0 || !bytes.subarray(from).equals(ROWS_END.subarray(0, size))) continue;
    if (from === 0 ? isAtLineStart : bytes[from - 1] === NEWLINE) return size;
  }
  return 0;
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
