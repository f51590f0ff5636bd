import type pg from 'pg';
import type { Logger } from 'pino';
import { WEBHOOK_RETRY_MS } from '../model/catalog.ts';
import type { Millis } from '../model/event.ts';
import { announceDeliveries } from '../store/deliveries/delivery-queue.ts';
import { isItemError } from '../store/pg/errors.ts';
import { claimFacts, createFactLanes, type FactKey, fanOutFacts } from '../store/webhooks/facts.ts';

export interface WebhookRelayOptions {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Duration of a claim in ms. */
  readonly lease: Millis;
}

const MAX_BATCH_FACTS = 200;
/** Facts in one statement: with a page of 100 endpoints of each, at most 2000 deliveries are made at once. */
const FACTS_PER_PAGE = 20;

/**
 * Relays facts to the endpoints of webhooks that subscribe to them: each becomes a delivery for each endpoint, a page of them at
 * a time. Deliveries of facts are no facts themselves, so that nothing goes round.
 */
export class WebhookRelay {
  /** Start and lanes of the queue, as far as is known. */
  readonly floor = createFactLanes();
  readonly #options: WebhookRelayOptions;

  constructor(options: WebhookRelayOptions) {
    this.#options = options;
  }

  /** Relays a batch of facts, the oldest first. Returns whether more are likely due. */
  async runDue(): Promise<boolean> {
    const { pool, clock, lease } = this.#options;
    const now = clock();
    const claimed = await claimFacts(pool, now, now + lease, MAX_BATCH_FACTS, this.floor);
    if (claimed.length === 0) return this.floor.isBehind;
    let made = 0;
    for (let start = 0; start < claimed.length; start += FACTS_PER_PAGE) {
      made += await this.#relay(claimed.slice(start, start + FACTS_PER_PAGE));
    }
    if (made > 0) await announceDeliveries(pool);
    return this.floor.isBehind;
  }

  /** Makes the deliveries of some facts, page after page. Returns how many. */
  async #relay(facts: readonly FactKey[]): Promise<number> {
    const { pool, clock, log } = this.#options;
    let made = 0;
    let left = facts;
    try {
      while (left.length > 0) {
        const page = await fanOutFacts(pool, left, clock(), WEBHOOK_RETRY_MS);
        made += page.made;
        left = page.unfinished;
      }
      return made;
    } catch (error) {
      // One that cannot be relayed holds up no other one.
      if (left.length > 1 && isItemError(error)) {
        for (const fact of left) made += await this.#relay([fact]);
        return made;
      }
      const line = { err: error, facts: left };
      log.warn(line, 'facts could not be relayed to webhook endpoints; will retry when their claim expires');
      return made;
    }
  }
}
