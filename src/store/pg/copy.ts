import type { Millis } from '../../model/event.ts';
import type { Statement } from './pipeline.ts';

/** Type of a column. Texts and JSON texts are given as strings, times in ms, UUIDs as hex with or without hyphens. */
export type ColumnType = 'text' | 'time' | 'uuid' | 'int2' | 'int4' | 'bool' | 'bytea';

export type ColumnValue = string | number | boolean | Uint8Array | null;

/** Columns of a table, in the order of the values of a row. */
export type Columns = { readonly [name: string]: ColumnType };

/** Sizes of the first and the largest chunks; each is twice as large as the one before. */
const MIN_CHUNK_BYTES = 4096;
const MAX_CHUNK_BYTES = 65_536;

/** UTF-8 needs at most 3 bytes for one UTF-16 unit. */
const MAX_BYTES_PER_UNIT = 3;

/** For texts of up to this length, a loop is faster than the call that encodes a text. */
const MAX_LOOP_CHARS = 40;

/** File header: signature, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/** Start of PostgreSQL's count of microseconds. */
const PG_EPOCH: Millis = Date.UTC(2000, 0, 1);
const TWO_POW_32 = 2 ** 32;

/**
 * Collects rows for `copy … from stdin` in the binary format (PostgreSQL documentation, COPY, "Binary Format"). It is the
 * cheapest way to insert rows: the server parses no statement, parameters or digits, and starts the executor once. Each
 * value is written into the chunk that is sent, so that no text of the whole batch is ever built.
 */
export class CopyRows {
  readonly #table: string;
  readonly #name: string;
  readonly #columns: string;
  readonly #types: readonly ColumnType[];
  readonly #full: Buffer[] = [];
  #tenantId: ColumnValue | undefined;
  #chunk = Buffer.allocUnsafe(MIN_CHUNK_BYTES);
  #at = 0;

  /** @param name of the statement: another one for other columns, since a connection keeps what it has prepared under a name */
  constructor(table: string, columns: Columns, name = `copy-${table}`) {
    this.#table = table;
    this.#name = name;
    this.#columns = Object.keys(columns).join(', ');
    this.#types = Object.values(columns);
    this.#at = HEADER.copy(this.#chunk);
  }

  /**
   * Adds a row: a value for each column, the tenant first.
   * @throws Error if it is of another tenant than the first row: row-level security does not bind the owner, who copies
   */
  add(values: readonly ColumnValue[]): void {
    this.#tenantId ??= values[0];
    if (values[0] !== this.#tenantId) throw new Error(`a row of ${this.#table} is of another tenant than its batch`);
    this.#reserve(2);
    this.#int2(values.length);
    for (let index = 0; index < values.length; index++) {
      const value = values[index] as ColumnValue;
      if (value === null) this.#startValue(-1, 0);
      else if (typeof value === 'string') {
        if (this.#types[index] === 'uuid') this.#uuid(value);
        else this.#text(value);
      } else if (typeof value === 'number') this.#number(this.#types[index] as ColumnType, value);
      else if (typeof value === 'boolean') this.#boolean(value);
      else this.#bytes(value);
    }
  }

  /** Returns the statement that inserts the rows. No row can be added afterwards. */
  statement(): Statement {
    this.#reserve(2);
    this.#int2(-1);
    const copyData = [...this.#full, this.#chunk.subarray(0, this.#at)];
    const text = `copy ${this.#table} (${this.#columns}) from stdin with (format binary)`;
    return { name: this.#name, text, copyData };
  }

  /** Starts a new chunk unless the current one has room for so many bytes. */
  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return;
    this.#full.push(this.#chunk.subarray(0, this.#at));
    this.#chunk = Buffer.allocUnsafe(Math.max(bytes, Math.min(MAX_CHUNK_BYTES, 2 * this.#chunk.length)));
    this.#at = 0;
  }

  /** Writes the length of a value (-1: null), and reserves bytes for it. */
  #startValue(length: number, maxBytes: number): void {
    this.#reserve(4 + maxBytes);
    this.#int4(length);
  }

  #int2(value: number): void {
    const chunk = this.#chunk;
    chunk[this.#at++] = value >> 8;
    chunk[this.#at++] = value;
  }

  #int4(value: number): void {
    const chunk = this.#chunk;
    const at = this.#at;
    chunk[at] = value >> 24;
    chunk[at + 1] = value >> 16;
    chunk[at + 2] = value >> 8;
    chunk[at + 3] = value;
    this.#at = at + 4;
  }

  #text(text: string): void {
    const length = text.length;
    this.#startValue(length, length * MAX_BYTES_PER_UNIT);
    const chunk = this.#chunk;
    const from = this.#at;
    let at = from;
    if (length <= MAX_LOOP_CHARS) {
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) break;
        chunk[at++] = unit;
      }
    }
    if (at - from < length) {
      at = from + chunk.write(text, from);
      this.#at = from - 4;
      this.#int4(at - from);
    }
    this.#at = at;
  }

  #number(type: ColumnType, value: number): void {
    if (type === 'time') {
      // Beyond the year 2255 a few microseconds are lost; columns of milliseconds round them away.
      const micros = (value - PG_EPOCH) * 1000;
      this.#startValue(8, 8);
      this.#int4(Math.floor(micros / TWO_POW_32));
      this.#int4(micros % TWO_POW_32);
    } else if (type === 'int2') {
      this.#startValue(2, 2);
      this.#int2(value);
    } else {
      this.#startValue(4, 4);
      this.#int4(value);
    }
  }

  #boolean(value: boolean): void {
    this.#startValue(1, 1);
    this.#chunk[this.#at++] = value ? 1 : 0;
  }

  #uuid(text: string): void {
    this.#startValue(16, 16);
    const chunk = this.#chunk;
    let at = this.#at;
    for (let i = 0; i < text.length; i += 2) {
      if (text.charCodeAt(i) === HYPHEN) i++;
      chunk[at++] = ((HEX[text.charCodeAt(i)] as number) << 4) | (HEX[text.charCodeAt(i + 1)] as number);
    }
    this.#at = at;
  }

  #bytes(value: Uint8Array): void {
    this.#startValue(value.length, value.length);
    this.#chunk.set(value, this.#at);
    this.#at += value.length;
  }
}

const HYPHEN = 0x2d;

/** The value of a hexadecimal digit, by its character code. */
const HEX = new Uint8Array(128);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  HEX[digit.charCodeAt(0)] = value;
  HEX[digit.toUpperCase().charCodeAt(0)] = value;
}
