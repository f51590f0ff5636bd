import type { Statement } from './round-trip.ts';

/**
 * COPY is the cheapest way in: no parse tree, no parameter, no executor start for each row. In the CSV format with control
 * characters for its signs, nothing needs escaping that holds none: JSON text, ids, names, times.
 */
export function copyStatement(table: string, columns: string, rows: CopyRows): Statement {
  const text = `copy ${table} (${columns}) from stdin with (format csv, delimiter E'\\x1f', quote E'\\x01')`;
  return { name: `copy-${table}`, text, copyData: rows.chunks() };
}

/** Of the chunks, in bytes: they grow from the one to the other. */
const SMALLEST = 4096;
const LARGEST = 65_536;

/** UTF-8 takes at most so many bytes for one UTF-16 unit. */
const BYTES_A_UNIT = 3;

const NEWLINE = 0x0a;

/** Rows as bytes, each written where it is sent from: a batch as one text would be made, flattened and encoded in turn. */
export class CopyRows {
  readonly #full: Buffer[] = [];
  #chunk = Buffer.alloc(0);
  #length = 0;

  /** Texts that may hold anything, or nothing, go through `copyText`. */
  add(fields: readonly (string | number | null)[]): void {
    const row = fields.join('\x1f');
    const most = row.length * BYTES_A_UNIT + 1;
    if (this.#length + most > this.#chunk.length) {
      if (this.#length > 0) this.#full.push(this.#chunk.subarray(0, this.#length));
      this.#chunk = Buffer.allocUnsafe(Math.max(most, SMALLEST, Math.min(LARGEST, 2 * this.#chunk.length)));
      this.#length = 0;
    }
    this.#length += this.#chunk.write(row, this.#length);
    this.#chunk[this.#length++] = NEWLINE;
  }

  chunks(): readonly Buffer[] {
    return this.#length > 0 ? [...this.#full, this.#chunk.subarray(0, this.#length)] : this.#full;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const PLAIN = /^[^\x00-\x1f]+$/;

export function copyText(text: string): string {
  return PLAIN.test(text) ? text : `\x01${text.replaceAll('\x01', '\x01\x01')}\x01`;
}
