import { insertEndpoint } from '../limits.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import { allDelivered, withTidings } from '../setup.ts';

/** The ordinary caller: one event a request, decided and delivered by one process with all roles. */
export const requestsRow: Row = {
  id: 'requests',
  name: 'one event a request to delivered (no-op), 32 connections',
  unit: 'events/s',
  against: 'one INSERT a request, pool of 10',
  direction: 'higher',
  atLeast: 1,
  goal: 2,
  async measure(setup) {
    const traffic = setup.traffic(20_000);
    const order = { traffic, kind: 'mix', perRequest: 1, connections: 32 } as const;
    const limit = await setup.withEmpty(async (database) => {
      const endpoint = await insertEndpoint(database);
      try {
        const { seconds } = await post({ ...order, url: endpoint.url });
        return traffic.count / seconds;
      } finally {
        await endpoint.close();
      }
    });
    const value = await setup.withDatabase((database) =>
      withTidings(database, async (tidings) => {
        const url = await tidings.serve();
        await tidings.deliver();
        let begun = 0;
        await post({ ...order, url }, () => {
          begun = performance.now();
        });
        await allDelivered(database);
        return traffic.count / ((performance.now() - begun) / 1000);
      }),
    );
    return { value, limit };
  },
};
