import { sandboxProvider } from '../../src/channels/sandbox.ts';
import type { DispatchResult } from '../../src/delivery/dispatch-result.ts';
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
  const toResult = (outcome: DispatchResult['outcome']) => {
    const dispatched = { provider: sandboxProvider(['in_app']), outcome, message: { text: 'R' } };
    return toSettlement(delivery, dispatched, clock.now, clock.now + 5, 0.5, seal);
  };
  return {
    /** Returns the settlement of a delivery that was delivered in 5 ms. */
    delivered: (): Settlement => toResult({ kind: 'sent' }),
    /** Returns the settlement of a delivery that was rejected in 5 ms. */
    failed: (): Settlement => toResult({ kind: 'rejected', reason: 'no' }),
    /** Settles the delivery, and writes the event about its outcome. */
    async settle(settlement: Settlement): Promise<void> {
      const events = await toLifecycleEvents(catalogs, [{ delivery, settlement }]);
      await settleDeliveries(pool, worker, [settlement], clock.now, events);
    },
    rescue: () => rescueExpired(pool, clock.now),
  };
}
