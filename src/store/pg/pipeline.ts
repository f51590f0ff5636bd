import type pg from 'pg';
import type { Connection } from './pool.ts';
import { isPooled } from './pooled-client.ts';

/** A statement that is prepared once per connection. */
export interface Statement {
  /** The name it is prepared under: its own, or it is prepared anew each time. */
  readonly name: string;
  readonly text: string;
  readonly values?: readonly string[];
  /** The rows of a `copy … from stdin`; see copy.ts. */
  readonly copyData?: readonly Buffer[];
}

/** Columns in PostgreSQL's text format. */
export type TextRow = readonly (string | null)[];

/**
 * Runs statements in order in one round trip, because a small batch spends more time on round trips than on its events.
 * Resolves to the rows of each statement. Each statement sees what was committed before it started.
 *
 * Rejects with the error of the first statement that fails; those after it are not run. Without a response it rejects after
 * `Timeouts.query`, like any query of the pool: discard the connection then.
 */
export function runPipelined(connection: Connection, statements: readonly Statement[]): Promise<TextRow[][]> {
  return new Promise((resolve, reject) => {
    connection.query(new RoundTrip(statements, resolve, reject));
  });
}

/** Names of the prepared statements, by connection. */
const prepared = new WeakMap<pg.Connection, Map<string, string>>();

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

/** A query that node-postgres runs: it calls `submit`, then a handler for each message of the response. */
class RoundTrip implements pg.Submittable {
  /** Set by node-postgres: stops its timer for `query_timeout`, which otherwise calls `handleError`. */
  callback: (() => void) | undefined;
  readonly #statements: readonly Statement[];
  readonly #resolve: (rows: TextRow[][]) => void;
  readonly #reject: (error: Error) => void;
  readonly #rows: TextRow[][] = [];
  #current: TextRow[] = [];
  /** The text that is prepared under a name. */
  #known: Map<string, string> = new Map();

  constructor(statements: readonly Statement[], resolve: (rows: TextRow[][]) => void, reject: (error: Error) => void) {
    this.#statements = statements;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /**
   * Sends everything before reading any response, as the extended protocol allows. After an error the server skips to Sync.
   */
  submit(connection: pg.Connection): void {
    const keepsNames = !isPooled(connection);
    if (keepsNames) {
      this.#known = prepared.get(connection) ?? new Map();
      prepared.set(connection, this.#known);
    }
    const wire = connection as unknown as Wire;
    wire.stream.cork();
    for (const { name: ownName, text, values = [], copyData } of this.#statements) {
      const name = keepsNames ? ownName : '';
      if (this.#known.get(name) !== text) {
        this.#known.delete(name);
        // A failed round trip may have prepared it. Closing a statement that does not exist is no error.
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
    for (const { name, text } of this.#statements) this.#known.set(name, text);
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

/**
 * Returns the header of a CopyData message: its letter, and its length including the length field. node-postgres is not
 * used for this, because it copies the rows twice.
 */
function copyHeader(length: number): Buffer {
  const header = Buffer.allocUnsafe(5);
  header.writeUInt8(0x64, 0);
  header.writeUInt32BE(length + 4, 1);
  return header;
}
