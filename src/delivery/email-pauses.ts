import type pg from 'pg';
import type { Logger } from 'pino';
import { CHANNEL_DESCRIPTORS } from '../model/channels/channels.ts';
import type { Millis } from '../model/event.ts';
import type { ClaimedDelivery } from '../store/deliveries/claimed-delivery.ts';
import { listEmailPauses } from '../store/receipts/email-standings.ts';

/** Time in ms after which an email that is held looks again; up to half as much longer, so that not all come back at once. */
const HOLD_MS: Millis = 600_000;

/** The tenants and types whose emails are paused, as the database had them a few seconds ago. SECURITY goes out all the same. */
export class EmailPauses {
  readonly #pool: pg.Pool;
  readonly #log: Logger;
  #paused: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(pool: pg.Pool, log: Logger) {
    this.#pool = pool;
    this.#log = log;
  }

  /** Resolves when the pauses are known. @param interval in ms, at which they are read */
  async start(interval: Millis): Promise<void> {
    await this.#refresh();
    this.#timer = setInterval(() => void this.#refresh(), interval);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Returns when a delivery is due again that is held; undefined: it goes out.
   * @param draw a random number from 0 (inclusive) to 1 (exclusive)
   */
  findHold(
    { tenantId, notificationType, channel, category }: ClaimedDelivery,
    now: Millis,
    draw: number,
  ): Millis | undefined {
    if (this.#paused.size === 0 || !CHANNEL_DESCRIPTORS[channel].canBounceLater || category === 'SECURITY')
      return undefined;
    const isPaused = this.#paused.has(toKey(tenantId, '')) || this.#paused.has(toKey(tenantId, notificationType));
    return isPaused ? Math.round(now + HOLD_MS * (1 + draw / 2)) : undefined;
  }

  async #refresh(): Promise<void> {
    try {
      const found = await listEmailPauses(this.#pool);
      this.#paused = new Set(found.map((one) => toKey(one.tenantId, one.notificationType)));
    } catch (error) {
      this.#log.warn({ err: error }, 'paused emails could not be read; those known stay paused');
    }
  }
}

function toKey(tenantId: string, notificationType: string): string {
  return `${tenantId} ${notificationType}`;
}
