import type pg from 'pg';
import type { StoreInInbox } from '../channels/in-app/inbox.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import type { InboxSignals } from '../store/inbox/inbox-signals.ts';
import { storeInboxItem } from '../store/inbox/store-item.ts';

/** Returns how the provider of in-app messages stores them, and tells those who read the inbox. */
export function keepInInbox(pool: pg.Pool, seal: Seal, clock: () => Millis, signals: InboxSignals): StoreInInbox {
  return async (outgoing, mayStore) => {
    const isStored = await storeInboxItem(pool, seal, outgoing, clock(), mayStore);
    if (isStored) signals.announce(outgoing.tenantId, outgoing.userId);
    return isStored;
  };
}
