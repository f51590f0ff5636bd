import { makeSignups } from '../events.ts';
import { bareQueue } from '../limits.ts';
import { type Row, rate } from '../row.ts';
import { allDelivered, withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

/** A full queue, emptied by one worker: claim, address, render, send, attempt, outcome. */
export const deliveryRow: Row = {
  id: 'delivery',
  name: 'delivery to a no-op provider',
  unit: 'deliveries/s',
  against: 'bare claim-and-delete, 2 connections',
  direction: 'higher',
  atLeast: 0.3,
  goal: 0.5,
  async measure(setup) {
    const traffic = setup.traffic(20_000);
    const limit = await bareQueue(setup, traffic.count);
    const value = await setup.withDatabase((database) =>
      withTidings(database, async (tidings) => {
        await ingestAll(tidings, database, makeSignups(traffic));
        return rate(traffic.count, async () => {
          await tidings.deliver();
          await allDelivered(database);
        });
      }),
    );
    return { value, limit };
  },
};
