import { noopProvider } from '../../src/channels/noop.ts';
import type { Provider } from '../../src/channels/provider.ts';
import { ingestEach, useChannelCatalog } from '../channel-catalog.ts';
import { monotonic } from '../clock.ts';
import { median } from '../median.ts';
import type { Row } from '../row.ts';
import { withTidings } from '../setup.ts';

const ALARMS = 20;
const PAUSE_MS = 100;
/** Time in ms that the provider takes for each message: a queue that is emptied at once has nothing to overtake. */
const SEND_MS = 20;
const CONCURRENCY = 20;
const MAX_WAIT_MS = 30_000;

/** Time from an event to the hand-over of its URGENT message, while as many LOW ones wait as there are events in a round. */
export const urgentRow: Row = {
  id: 'urgent',
  name: 'an URGENT message overtakes a queue of LOW ones, event to hand-over (p50)',
  unit: 'ms',
  against: 'nothing: the time itself',
  direction: 'lower',
  atLeast: 1000,
  goal: 200,
  async measure(setup) {
    const handedOver = new Map<string, () => void>();
    const provider: Provider = {
      ...noopProvider(['email']),
      concurrency: CONCURRENCY,
      async send({ userId, notificationType }) {
        if (notificationType === 'ALARM') handedOver.get(userId)?.();
        await new Promise((resolve) => setTimeout(resolve, SEND_MS));
        return { kind: 'sent' };
      },
    };
    return setup.withDatabase(async (database) => {
      await useChannelCatalog(database);
      return withTidings(
        database,
        async (tidings) => {
          await ingestEach(tidings, 'advert', setup.events);
          await tidings.deliver();
          const times: number[] = [];
          for (let i = 0; i < ALARMS; i++) {
            await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
            const userId = `alarm ${i}`;
            const arrived = new Promise<void>((resolve, reject) => {
              handedOver.set(userId, resolve);
              setTimeout(() => reject(new Error(`no hand-over within ${MAX_WAIT_MS / 1000} s`)), MAX_WAIT_MS).unref();
            });
            const start = monotonic();
            await tidings.pipeline.ingest('default', [
              {
                user_id: userId,
                event_type: 'alarm',
                event_timestamp: new Date().toISOString(),
                user_traits: { email: `alarm${i}@example.com` },
              },
            ]);
            await arrived;
            times.push(monotonic() - start);
          }
          const { rows } = await database.pool.query<{ left: number }>(
            'select count(*)::int as left from deliveries where finished_at is null',
          );
          if ((rows[0]?.left ?? 0) < setup.events / 10) throw new Error('the queue was too short to be overtaken');
          return { value: median(times), limit: 1, also: { longest: Math.max(...times) } };
        },
        { email: provider },
      );
    });
  },
};
