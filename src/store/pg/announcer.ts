import type pg from 'pg';
import type { Millis } from '../../model/event.ts';

/** Shortest time between two notifications on one channel. */
const MIN_INTERVAL_MS: Millis = 20;

/** @param dueAt the earliest due time of what is announced; undefined: unknown */
type AnnouncementListener = (dueAt: Millis | undefined) => void;

interface Channel {
  readonly listeners: Set<AnnouncementListener>;
  /** Runs while the next notification must wait. */
  pause: NodeJS.Timeout | undefined;
  /** The earliest due time of what was announced during the pause; Infinity: unknown; null: nothing was announced. */
  pending: Millis | null;
}

/**
 * Tells workers that there is something to do: those of this process at once, those of others by NOTIFY, at most once in
 * MIN_INTERVAL_MS on each channel. Call it after the commit: a NOTIFY inside a transaction makes the commits of all processes
 * wait for one another. An announcement that is lost in a crash costs a poll interval.
 */
export class Announcer {
  readonly #pool: pg.Pool;
  readonly #channels = new Map<string, Channel>();
  readonly #sending = new Set<Promise<unknown>>();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  /** @param dueAt when the first of what is announced is due */
  announce(name: string, dueAt?: Millis): void {
    const channel = this.#getChannel(name);
    for (const listener of channel.listeners) listener(dueAt);
    channel.pending = Math.min(channel.pending ?? Number.POSITIVE_INFINITY, dueAt ?? Number.POSITIVE_INFINITY);
    if (!channel.pause) this.#send(name, channel);
  }

  /** Calls `listener` for each announcement of this process; returns a function that ends it. */
  listen(name: string, listener: AnnouncementListener): () => void {
    const { listeners } = this.#getChannel(name);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Resolves when everything announced so far has been sent. */
  async flush(): Promise<void> {
    for (const [name, channel] of this.#channels) {
      if (channel.pending === null) continue;
      clearTimeout(channel.pause);
      this.#send(name, channel);
    }
    await Promise.all(this.#sending);
  }

  #send(name: string, channel: Channel): void {
    const payload = Number.isFinite(channel.pending) ? String(channel.pending) : '';
    channel.pending = null;
    channel.pause = setTimeout(() => {
      channel.pause = undefined;
      if (channel.pending !== null) this.#send(name, channel);
    }, MIN_INTERVAL_MS).unref();
    // Without the database, workers poll.
    const sent = this.#pool
      .query({ name: 'announce', text: 'select pg_notify($1, $2)', values: [name, payload] })
      .catch(() => {})
      .finally(() => this.#sending.delete(sent));
    this.#sending.add(sent);
  }

  #getChannel(name: string): Channel {
    let channel = this.#channels.get(name);
    if (!channel) {
      channel = { listeners: new Set(), pause: undefined, pending: null };
      this.#channels.set(name, channel);
    }
    return channel;
  }
}
