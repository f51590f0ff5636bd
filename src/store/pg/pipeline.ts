import type pg from 'pg';
import type { Connection } from './pool.ts';

/** A statement that stays prepared on its connection. */
export interface Statement {
  /** Unique among all statements: the name it is prepared under. */
  readonly name: string;
  readonly text: string;
  readonly values?: readonly string[];
  /** For `copy … from stdin`: the rows, see copy.ts. */
  readonly copyData?: readonly Buffer[];
}

/** Columns as PostgreSQL writes them in text. */
export type TextRow = readonly (string | null)[];

/**
 * Runs statements one after the other in one round trip; resolves to the rows of each. Each sees what committed before it
 * began. The first that fails is the error, and those behind it are not run. A small batch spends more on round trips than
 * on its events. Without an answer it fails as any query of the pool does (`Patience.answer`): give up the connection.
 */
export function runPipelined(connection: Connection, statements: readonly Statement[]): Promise<TextRow[][]> {
  return new Promise((resolve, reject) => {
    connection.query(new RoundTrip(statements, resolve, reject));
  });
}

/** What is prepared, by connection. */
const prepared = new WeakMap<pg.Connection, Set<string>>();

/** The parts of node-postgres' Connection that send a message; its types ask for parameters that it does not read. */
interface Wire {
  readonly stream: { cork(): void; write(bytes: Buffer): void; uncork(): void };
  close(message: { type: 'S'; name: string }): void;
  parse(message: { name: string; text: string }): void;
  bind(message: { statement: string; values: readonly string[] }): void;
  execute(message: object): void;
  endCopyFrom(): void;
  sync(): void;
}

/** What node-postgres runs: it calls `submit`, then tells of every message that comes back. */
class RoundTrip implements pg.Submittable {
  /** Set by node-postgres: stops its clock (`query_timeout`), which else ends in `handleError`. */
  callback: (() => void) | undefined;
  readonly #statements: readonly Statement[];
  readonly #resolve: (rows: TextRow[][]) => void;
  readonly #reject: (error: Error) => void;
  readonly #rows: TextRow[][] = [];
  #current: TextRow[] = [];
  #known: Set<string> = new Set();

  constructor(statements: readonly Statement[], resolve: (rows: TextRow[][]) => void, reject: (error: Error) => void) {
    this.#statements = statements;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** The extended protocol lets everything be sent before anything is answered; after an error the server skips to Sync. */
  submit(connection: pg.Connection): void {
    this.#known = prepared.get(connection) ?? new Set();
    prepared.set(connection, this.#known);
    const wire = connection as unknown as Wire;
    wire.stream.cork();
    for (const { name, text, values = [], copyData } of this.#statements) {
      if (!this.#known.has(name)) {
        // Closing what is not there is no error; a round trip that failed may have come as far as preparing it.
        wire.close({ type: 'S', name });
        wire.parse({ name, text });
      }
      wire.bind({ statement: name, values });
      wire.execute({});
      if (copyData === undefined) continue;
      for (const bytes of copyData) {
        wire.stream.write(copyHeader(bytes.length));
        wire.stream.write(bytes);
      }
      wire.endCopyFrom();
    }
    wire.sync();
    wire.stream.uncork();
  }

  handleDataRow({ fields }: { fields: TextRow }): void {
    this.#current.push(fields);
  }

  handleCommandComplete(): void {
    this.#rows.push(this.#current);
    this.#current = [];
  }

  handleReadyForQuery(): void {
    for (const { name } of this.#statements) this.#known.add(name);
    this.callback?.();
    this.#resolve(this.#rows);
  }

  handleError(error: Error): void {
    this.callback?.();
    this.#reject(error);
  }

  handleRowDescription(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}
  handleCopyInResponse(): void {}
  handleCopyData(): void {}
}

/** CopyData: its letter, its length with these four bytes. Not by node-postgres, which copies the rows twice on the way. */
function copyHeader(length: number): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.writeUInt8(0x64, 0);
  header.writeUInt32BE(length + 4, 1);
  return header;
}
