import { makeEvents } from '../events.ts';
import { bareInsert } from '../limits.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import { checkStored, withTidings } from '../setup.ts';

/** The same over HTTP, from another process on the same cores. */
export const httpRow: Row = {
  id: 'http',
  name: 'events decided and stored, HTTP, 100 a request',
  unit: 'events/s',
  against: 'bare insert of the same events (R1)',
  direction: 'higher',
  atLeast: 0.4,
  goal: 0.6,
  async measure(setup) {
    const traffic = setup.traffic();
    const limit = await bareInsert(setup, makeEvents(traffic));
    const value = await setup.withDatabase((database) =>
      withTidings(database, async (tidings) => {
        const since = Date.now();
        const url = await tidings.serve();
        const { seconds } = await post({ url, traffic, kind: 'mix', perRequest: 100, connections: 32 });
        await checkStored(database, traffic.count, since);
        return traffic.count / seconds;
      }),
    );
    return { value, limit };
  },
};
