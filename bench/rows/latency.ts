import { noopProvider } from '../../src/channels/noop.ts';
import type { Provider } from '../../src/channels/provider.ts';
import { monotonic } from '../clock.ts';
import { post } from '../post.ts';
import type { Row } from '../row.ts';
import { allDelivered, withTidings } from '../setup.ts';

const PER_SECOND = 200;
/** Seconds that do not count: a process that has just begun compiles its code, and PostgreSQL its first plans. */
const WARM_UP = 1;

/** Open loop: a request is counted from when it was due, whether or not the one before it was answered. */
export const latencyRow: Row = {
  id: 'latency',
  name: 'latency, request to delivered (no-op), p99 at 200 events/s',
  unit: 'ms',
  against: 'nothing: the time itself',
  direction: 'lower',
  atLeast: 50,
  goal: 15,
  async measure(setup) {
    const traffic = setup.traffic((WARM_UP + 10) * PER_SECOND);
    const deliveredAt = new Map<string, number>();
    const noop = noopProvider(['email']);
    const provider: Provider = {
      ...noop,
      async send(outgoing, signal) {
        const outcome = await noop.send(outgoing, signal);
        deliveredAt.set(outgoing.userId, monotonic());
        return outcome;
      },
    };
    const dueAt = await setup.withDatabase((database) =>
      withTidings(
        database,
        async (tidings) => {
          const url = await tidings.serve();
          await tidings.deliver();
          // One sign-up per user, in order of user number, so that the index of a request gives the user.
          const result = await post({
            url,
            traffic,
            kind: 'signups',
            perRequest: 1,
            connections: 16,
            perSecond: PER_SECOND,
          });
          await allDelivered(database);
          return result.dueAt ?? [];
        },
        { email: provider },
      ),
    );
    const times = dueAt.map(
      (due, i) => (deliveredAt.get(`u_${traffic.firstUser + i}`) ?? Number.POSITIVE_INFINITY) - due,
    );
    const warm = times.slice(WARM_UP * PER_SECOND).sort((a, b) => a - b);
    const cold = Math.max(...times.slice(0, WARM_UP * PER_SECOND));
    return { value: percentile(warm, 0.99), limit: 1, also: { p50: percentile(warm, 0.5), 'first second': cold } };
  },
};

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
