import { cpuOf } from '../cpu.ts';
import { makeEvents } from '../events.ts';
import type { Row } from '../row.ts';
import { withTidings } from '../setup.ts';
import { ingestAll } from './batch.ts';

/** CPU time per event of Node.js and PostgreSQL together, which counts on a machine with other work. */
export const cpuRow: Row = {
  id: 'cpu',
  name: 'CPU per event decided and stored, Node and PostgreSQL',
  unit: 'µs',
  against: 'nothing: the time itself',
  direction: 'lower',
  atLeast: 90,
  goal: 50,
  async measure(setup) {
    const events = makeEvents(setup.traffic());
    return setup.withDatabase((database) =>
      withTidings(database, async (tidings) => {
        const before = await cpuOf(database.pool);
        await ingestAll(tidings, database, events);
        const after = await cpuOf(database.pool);
        const node = (after.node - before.node) / events.length;
        const postgres = (after.postgres - before.postgres) / events.length;
        return { value: node + postgres, limit: 1, also: { node, postgres } };
      }),
    );
  },
};
