import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Millis } from '../../model/event.ts';

/** NOTIFY channel of changes of inboxes. The payload is keys of inboxes with commas between; `*`: any may have changed. */
export const INBOX_CHANNEL = 'tidings_inbox';

/** Time in ms over which changes are collected before they are announced. */
const COLLECT_MS: Millis = 20;
/** Keys of one announcement: a payload has less than 8000 bytes. */
const MAX_KEYS = 300;

/** Returns the key of an inbox: nothing of its user can be read from it. */
export function toInboxKey(tenantId: string, userId: string): string {
  return createHash('sha256').update(`${tenantId}\n${userId}`).digest('base64url').slice(0, 22);
}

/**
 * Tells all processes that inboxes have changed, after the commit. An announcement that is lost in a crash costs those who read a
 * stream the pause until its next look at the database.
 */
export class InboxSignals {
  readonly #pool: pg.Pool;
  readonly #keys = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  announce(tenantId: string, userId: string): void {
    this.#keys.add(toInboxKey(tenantId, userId));
    this.#timer ??= setTimeout(() => void this.flush(), COLLECT_MS);
  }

  /** Resolves when everything announced so far has been sent. */
  flush(): Promise<unknown> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#keys.size === 0) return this.#sending;
    const payload = this.#keys.size > MAX_KEYS ? '*' : [...this.#keys].join(',');
    this.#keys.clear();
    this.#sending = this.#pool
      .query({ name: 'announce', text: 'select pg_notify($1, $2)', values: [INBOX_CHANNEL, payload] })
      .catch(() => {});
    return this.#sending;
  }
}
