import {
  type HoldSources,
  loadTenantHolds,
  type TenantHolds,
  toBatchId,
  toNotificationHolds,
} from '../explain/hold-facts.ts';
import { describePause, type Held, type Hold } from '../explain/holds.ts';
import { loadPausedBatches, type StoredBatch } from '../store/batches/batches.ts';
import type { QueuedDelivery } from '../store/deliveries/queued-of-user.ts';
import { isoTime } from '../time/iso-time.ts';
import type { FindPause } from './collect-entries.ts';

/** The holds of messages of a tenant, read once for a forecast. */
export class PresentHolds {
  readonly #pool: HoldSources['pool'];
  readonly #tenantId: string;
  readonly #holds: TenantHolds;
  #batches: ReadonlyMap<string, StoredBatch> = new Map();

  constructor({ pool }: Pick<HoldSources, 'pool'>, tenantId: string, holds: TenantHolds) {
    this.#pool = pool;
    this.#tenantId = tenantId;
    this.#holds = holds;
  }

  /** Reads what holds messages of a tenant, with its paused batches. */
  static async load(sources: HoldSources, tenantId: string): Promise<PresentHolds> {
    const found = new PresentHolds(sources, tenantId, await loadTenantHolds(sources, tenantId));
    await found.loadBatchesOf([]);
    return found;
  }

  /** Reads the paused batches again, and those of these messages. */
  async loadBatchesOf(queued: readonly QueuedDelivery[]): Promise<void> {
    const ids = new Set(queued.flatMap((one) => toBatchId(one) ?? []));
    const batches = await loadPausedBatches(this.#pool, this.#tenantId, [...ids]);
    this.#batches = new Map(batches.map((batch) => [batch.batchId, batch]));
  }

  /** Returns what may hold a queued message. */
  readonly toHeld = (queued: QueuedDelivery): Held => {
    const { channel, target, holdCode, dueAt, verdict } = queued;
    const delivery = { channel, target, hold_code: holdCode, due_at: isoTime(dueAt), decided_by: verdict };
    return { ...this.#ofNotification(queued), own: queued, delivery };
  };

  /** Returns what will hold a message that is not stored yet. */
  readonly findPause: FindPause = (
    notification,
    { channel, retryUntil, expiresAt, holdCode, dueAt },
  ): Hold | undefined => {
    const delivery = { channel, target: '', hold_code: holdCode, due_at: isoTime(dueAt), decided_by: null };
    const own = { retryUntil, expiresAt, endpointState: null, service: null };
    return describePause({ ...this.#ofNotification(notification), own, delivery });
  };

  #ofNotification(notification: { type: string; category: string; rule: string; eventId: string }) {
    const batchId = toBatchId(notification);
    return toNotificationHolds(
      this.#holds,
      notification,
      batchId === undefined ? undefined : this.#batches.get(batchId),
    );
  }
}
