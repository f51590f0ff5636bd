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

/**
 * Listens for NOTIFY on one channel, on a connection of its own that is opened again when it is lost. Notifications that
 * are sent meanwhile are missed, so the caller must poll as well.
 */
export class NotifyListener {
  readonly #url: string;
  readonly #channel: string;
  readonly #onNotify: (notice: Notice) => void;
  #client: pg.Client | undefined;
  #reconnect: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param onNotify called for each notification, and after each connect: notifications may have been missed */
  constructor(url: string, channel: string, onNotify: (notice: Notice) => void) {
    this.#url = url;
    this.#channel = channel;
    this.#onNotify = onNotify;
  }

  /** Resolves when it listens, or the first try to connect has failed. */
  async start(): Promise<void> {
    const client = new pg.Client({
      // The timeouts of the URL are for statements of work; as startup parameters, PgBouncer rejects them.
      connectionString: splitTimeouts(this.#url).connectionString,
      application_name: 'tidings wake-up',
      connectionTimeoutMillis: 5000,
      query_timeout: 5000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    const onLost = () => {
      if (this.#client !== client || this.#stopped) return;
      this.#client = undefined;
      this.#reconnect = setTimeout(() => void this.start(), RECONNECT_PAUSE_MS);
    };
    this.#client = client;
    client.on('error', onLost);
    client.on('end', onLost);
    client.on('notification', ({ payload }) => this.#onNotify(payload ? { dueAt: Number(payload), payload } : {}));
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
      this.#onNotify({ missed: true });
    } catch {
      onLost();
      // It may be connected and still unable to listen.
      void client.end().catch(() => {});
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#reconnect);
    await this.#client?.end().catch(() => {});
  }
}
