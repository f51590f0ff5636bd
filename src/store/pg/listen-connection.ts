import pg from 'pg';
import type { Millis } from '../../model/event.ts';
import { splitTimeouts } from './session.ts';

const RECONNECT_PAUSE_MS = 1000;

/** Reason for which a listener is called. */
export interface Notice {
  /** When the first of what was announced is due; absent: unknown. */
  readonly dueAt?: Millis;
  /** The announcement as it was sent; absent: nothing more. */
  readonly payload?: string;
  /** Notifications may have been missed. */
  readonly missed?: true;
}

type OnNotify = (notice: Notice) => void;

/** A connection that listens on channels of NOTIFY. It is opened for the first of them, and again whenever it is lost. */
export class ListenConnection {
  readonly #url: string;
  readonly #channels = new Map<string, Set<OnNotify>>();
  #client: pg.Client | undefined;
  /** The connect and the statements so far, one after the other; rejects when one of them failed. */
  #done: Promise<unknown> = Promise.resolve();
  #reconnect: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(url: string) {
    this.#url = url;
  }

  /** Resolves when the connection listens on a channel, or the first try has failed; it is tried again then. */
  async add(channel: string, onNotify: OnNotify): Promise<void> {
    const known = this.#channels.get(channel) ?? new Set();
    this.#channels.set(channel, known.add(onNotify));
    // While it is lost, the next connection listens on every channel.
    if (this.#reconnect) return;
    await this.#listen(channel, onNotify);
  }

  /** Returns whether it was the last one: nothing uses the connection then, and it has to be closed. */
  remove(channel: string, onNotify: OnNotify): boolean {
    const known = this.#channels.get(channel);
    known?.delete(onNotify);
    // A channel without a listener costs nothing but the notifications that come.
    if (known?.size === 0) this.#channels.delete(channel);
    return this.#channels.size === 0;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#reconnect);
    await this.#client?.end().catch(() => {});
  }

  async #listen(channel: string, onNotify: OnNotify): Promise<void> {
    const client = this.#client ?? this.#open();
    try {
      this.#done = this.#done.then(() => client.query(`listen ${channel}`));
      await this.#done;
      onNotify({ missed: true });
    } catch {
      this.#lose(client);
      // It may be connected and still unable to listen.
      void client.end().catch(() => {});
    }
  }

  #open(): pg.Client {
    const client = new pg.Client({
      // The timeouts of the URL are for statements of work; as startup parameters, PgBouncer rejects them.
      connectionString: splitTimeouts(this.#url).connectionString,
      application_name: 'tidings wake-up',
      connectionTimeoutMillis: 5000,
      query_timeout: 5000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    client.on('error', () => this.#lose(client));
    client.on('end', () => this.#lose(client));
    client.on('notification', ({ channel, payload }) => {
      const notice = payload ? { dueAt: Number(payload), payload } : {};
      for (const onNotify of this.#channels.get(channel) ?? []) onNotify(notice);
    });
    this.#client = client;
    this.#done = client.connect();
    return client;
  }

  #lose(client: pg.Client): void {
    if (this.#client !== client || this.#isClosed) return;
    this.#client = undefined;
    this.#reconnect = setTimeout(() => {
      this.#reconnect = undefined;
      for (const [channel, all] of this.#channels) for (const onNotify of all) void this.#listen(channel, onNotify);
    }, RECONNECT_PAUSE_MS);
  }
}
