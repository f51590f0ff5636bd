import { makeEvents } from '../events.ts';
import { bareInsert } from '../limits.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import { allDelivered, checkStored, withTidings } from '../setup.ts';

/** All roles in one process, until the last delivery is settled. */
export const deliveredRow: Row = {
  id: 'delivered',
  name: 'events to delivered (no-op), HTTP, 100 a request',
  unit: 'events/s',
  against: 'bare insert of the same events (R1)',
  direction: 'higher',
  atLeast: 0.35,
  goal: 0.5,
  async measure(setup) {
    const traffic = setup.traffic();
    const limit = await bareInsert(setup, makeEvents(traffic));
    const value = await setup.withDatabase((database) =>
      withTidings(database, async (tidings) => {
        const since = Date.now();
        const url = await tidings.serve();
        await tidings.deliver();
        let begun = 0;
        const order = { url, traffic, kind: 'mix', perRequest: 100, connections: 32 } as const;
        await post(order, () => {
          begun = performance.now();
        });
        await allDelivered(database);
        const seconds = (performance.now() - begun) / 1000;
        await checkStored(database, traffic.count, since);
        return traffic.count / seconds;
      }),
    );
    return { value, limit };
  },
};
