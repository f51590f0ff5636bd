import { ListenConnection, type Notice } from './listen-connection.ts';

/** The connection of this process to each database in which something listens. */
const CONNECTIONS = new Map<string, ListenConnection>();

/**
 * Listens for NOTIFY on one channel. All listeners of a process share one connection to a database, which is opened again when it
 * is lost, and closed with the last of them. Notifications that are sent meanwhile are missed, so the caller must poll as well.
 */
export class NotifyListener {
  readonly #url: string;
  readonly #channel: string;
  readonly #onNotify: (notice: Notice) => void;
  #connection: ListenConnection | undefined;

  /** @param onNotify called for each notification, and after each connect: notifications may have been missed */
  constructor(url: string, channel: string, onNotify: (notice: Notice) => void) {
    this.#url = url;
    this.#channel = channel;
    this.#onNotify = onNotify;
  }

  /** Resolves when it listens, or the first try to connect has failed. */
  async start(): Promise<void> {
    const connection = CONNECTIONS.get(this.#url) ?? new ListenConnection(this.#url);
    CONNECTIONS.set(this.#url, connection);
    this.#connection = connection;
    await connection.add(this.#channel, this.#onNotify);
  }

  async stop(): Promise<void> {
    const connection = this.#connection;
    if (!connection) return;
    this.#connection = undefined;
    const isLast = connection.remove(this.#channel, this.#onNotify);
    if (!isLast) return;
    // Before anything is awaited: who starts from now on has a connection of its own.
    if (CONNECTIONS.get(this.#url) === connection) CONNECTIONS.delete(this.#url);
    await connection.close();
  }
}
