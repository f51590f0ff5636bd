import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { makeEvents, type PostedEvent } from '../events.ts';
import { bareInsert } from '../limits.ts';
import { type Row, rate } from '../row.ts';
import { checkStored, type Database, type Tidings, withTidings } from '../setup.ts';

/** The pipeline's function called directly. */
export const batchRow: Row = {
  id: 'batch',
  name: 'events decided and stored, batch function',
  unit: 'events/s',
  against: 'bare insert of the same events (R1)',
  direction: 'higher',
  atLeast: 0.55,
  goal: 0.8,
  async measure(setup) {
    const events = makeEvents(setup.traffic());
    const limit = await bareInsert(setup, events);
    const value = await setup.withDatabase((database) =>
      withTidings(database, (tidings) => rate(events.length, () => ingestAll(tidings, database, events))),
    );
    return { value, limit };
  },
};

/** 1000 events a call, 4 calls in flight. */
export async function ingestAll(
  { pipeline }: Tidings,
  database: Database,
  events: readonly PostedEvent[],
): Promise<void> {
  const since = Date.now();
  let next = 0;
  const caller = async () => {
    while (next < events.length) {
      const from = next;
      next += 1000;
      await pipeline.ingest(DEFAULT_TENANT, events.slice(from, next));
    }
  };
  await Promise.all([caller(), caller(), caller(), caller()]);
  await checkStored(database, events.length, since);
}
