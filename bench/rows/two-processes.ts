import { startChild } from '../child.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import type { ServerOrder } from '../server.ts';
import { allDelivered, checkStored, type Setup } from '../setup.ts';

/** Two processes that share a database, against one: half of the events go to each. Two generators post either way. */
export const twoProcessesRow: Row = {
  id: 'two_processes',
  name: 'events to delivered (no-op), HTTP, by two processes on one database',
  unit: 'events/s',
  against: 'the same by one process',
  direction: 'higher',
  atLeast: 0.8,
  goal: 1,
  async measure(setup) {
    const limit = await measureProcesses(setup, 1);
    const value = await measureProcesses(setup, 2);
    return { value, limit };
  },
};

function measureProcesses(setup: Setup, processes: number): Promise<number> {
  const { count, users, firstUser, now } = setup.traffic();
  const half = { count: Math.floor(count / 2), users: Math.max(1, Math.floor(users / 2)), now };
  const parts = [
    { ...half, firstUser },
    { ...half, firstUser: firstUser + half.users },
  ];
  return setup.withDatabase(async (database) => {
    const order: ServerOrder = { database: database.url, delivers: true };
    const servers = await Promise.all(Array.from({ length: processes }, () => startChild('server.ts', order)));
    try {
      const since = Date.now();
      const begun: number[] = [];
      const posting = parts.map((traffic, i) => {
        const url = String(servers[i % processes]?.ready);
        return post({ url, traffic, kind: 'mix', perRequest: 100, connections: 16 }, () =>
          begun.push(performance.now()),
        );
      });
      await Promise.all(posting);
      await allDelivered(database);
      const seconds = (performance.now() - Math.min(...begun)) / 1000;
      await checkStored(database, half.count * 2, since);
      return (half.count * 2) / seconds;
    } finally {
      for (const server of servers) await server.stop();
    }
  });
}
