import type pg from 'pg';
import type { Logger } from 'pino';
import { markOwn } from '../events/own-events.ts';
import { groupBy } from '../lib/group-by.ts';
import type { Millis } from '../model/event.ts';
import { claimOutbox, createOutboxLanes, deleteOutbox, type OutboxEvent } from '../store/outbox.ts';

export interface RulesRelayOptions {
  readonly pool: pg.Pool;
  readonly pipeline: {
    /** Ingests events like posted ones. Returns a result for each, in order. Throws if it is too busy. */
    ingest(
      tenantId: string,
      items: readonly unknown[],
    ): Promise<readonly { readonly status: string; readonly code?: string }[]>;
  };
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Duration of a claim in ms. */
  readonly lease: Millis;
}

const MAX_BATCH_EVENTS = 200;

/**
 * Relays lifecycle events of notifications from the outbox to the rules, by ingesting them like posted events, and deletes
 * them. An event that was ingested but not deleted is ingested again, as a duplicate.
 */
export class RulesRelay {
  /** Start and lanes of the queue, as far as is known. */
  readonly floor = createOutboxLanes();
  readonly #options: RulesRelayOptions;

  constructor(options: RulesRelayOptions) {
    this.#options = options;
  }

  /** Relays a batch of events, the oldest first. Returns whether more are likely due. */
  async runDue(): Promise<boolean> {
    const { pool, clock, lease } = this.#options;
    const now = clock();
    const claimed = await claimOutbox(pool, now, now + lease, MAX_BATCH_EVENTS, this.floor);
    for (const [tenantId, events] of groupBy(claimed, (event) => event.tenantId)) await this.#relay(tenantId, events);
    return this.floor.isBehind;
  }

  async #relay(tenantId: string, events: readonly OutboxEvent[]): Promise<void> {
    const { pool, pipeline, log } = this.#options;
    try {
      const results = await pipeline.ingest(
        tenantId,
        events.map(({ event }) => markOwn(event)),
      );
      const rejected = results.filter(({ status }) => status === 'rejected' || status === 'conflict');
      if (rejected.length > 0) {
        const codes = [...new Set(rejected.map(({ code }) => code))];
        log.warn({ tenant_id: tenantId, codes }, 'lifecycle events of notifications were rejected: see the quarantine');
      }
      await deleteOutbox(
        pool,
        tenantId,
        events.map(({ eventId }) => eventId),
      );
    } catch (error) {
      // Overloaded, or no database.
      log.warn(
        { err: error, tenant_id: tenantId },
        'lifecycle events could not be ingested; will retry when their claim expires',
      );
    }
  }
}
