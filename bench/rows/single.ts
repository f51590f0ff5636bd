import { insertEndpoint } from '../limits.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import { withTidings } from '../setup.ts';

/** Joining requests into batches must pay for everything else that is done for an event. */
export const singleRow: Row = {
  id: 'single',
  name: 'one event a request, micro-batched',
  unit: 'events/s',
  against: 'one INSERT a request, pool of 10',
  direction: 'higher',
  atLeast: 2.5,
  goal: 4,
  async measure(setup) {
    const traffic = setup.traffic();
    const run = async (url: string) => {
      const { seconds } = await post({ url, traffic, kind: 'mix', perRequest: 1, connections: 64 });
      return traffic.count / seconds;
    };
    const limit = await setup.withEmpty(async (database) => {
      const endpoint = await insertEndpoint(database);
      try {
        return await run(endpoint.url);
      } finally {
        await endpoint.close();
      }
    });
    const value = await setup.withDatabase((database) =>
      withTidings(database, async (tidings) => run(await tidings.serve())),
    );
    return { value, limit };
  },
};
