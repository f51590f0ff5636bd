import { sandboxProvider } from '../../src/channels/sandbox.ts';
import { toLifecycleEvents } from '../../src/delivery/lifecycle.ts';
import { toSettlement } from '../../src/delivery/settlement.ts';
import { claimDeliveries } from '../../src/store/deliveries/claim.ts';
import { rescueExpired } from '../../src/store/deliveries/leases.ts';
import { type Settlement, settleDeliveries } from '../../src/store/deliveries/settlements.ts';
import type { TestTidings } from './tidings.ts';

/** Claims an in-app delivery as a worker does, step by step: for tests of what happens between the steps. */
export async function claimInApp({ database, catalogs, seal, clock }: TestTidings, worker: string) {
  const { pool } = database;
  const [delivery] = await claimDeliveries(pool, worker, [{ channel: 'in_app', count: 1 }], clock.now, 1000);
  if (!delivery) throw new Error('there is nothing to claim');
  return {
    /** Returns the settlement of a delivery that was delivered in 5 ms. */
    delivered(): Settlement {
      const outcome = { kind: 'sent' as const };
      const dispatched = { provider: sandboxProvider(['in_app']), outcome, message: { text: 'R' } };
      return toSettlement(delivery, dispatched, clock.now, clock.now + 5, 0.5, seal);
    },
    /** Settles the delivery, and writes the event about its outcome. */
    async settle(settlement: Settlement): Promise<void> {
      const events = await toLifecycleEvents(catalogs, [{ delivery, settlement }]);
      await settleDeliveries(pool, worker, [settlement], clock.now, events);
    },
    rescue: () => rescueExpired(pool, clock.now),
  };
}
