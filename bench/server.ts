/** Tidings in a process of its own: serves HTTP, delivers, or reads a topic. The parts are those of the other rows. */
import pino from 'pino';
import { parseSendRequest } from '../src/http/parse-send-request.ts';
import { DEFAULT_TENANT } from '../src/model/event.ts';
import type { KafkaSettings } from '../src/model/kafka.ts';
import { SourceWorker } from '../src/sources/source-worker.ts';
import { openPool } from '../src/store/pg/pool.ts';
import { withTidings } from './setup.ts';

export interface ServerOrder {
  /** URL of the database. */
  readonly database: string;
  readonly delivers: boolean;
  /** Brokers whose topics the catalog reads; absent: none are. */
  readonly kafka?: KafkaSettings;
}

const POLL_MS = 1000;

process.once('message', async (order: ServerOrder) => {
  const pool = openPool(order.database, { max: 20, name: 'tidings bench' });
  await withTidings({ url: order.database, pool }, async (tidings) => {
    const url = await tidings.serve();
    if (order.delivers) await tidings.deliver();
    const sources = order.kafka && readTopics(order.kafka);
    const over = new Promise<void>((resolve) => process.once('disconnect', resolve));
    // It reads once the other side says so.
    process.once('message', () => {
      sources?.start();
      process.send?.('begun');
    });
    process.send?.(url);
    await over;
    await sources?.stop();

    function readTopics(settings: KafkaSettings): SourceWorker {
      const { pipeline, catalogs } = tidings;
      return new SourceWorker({
        pool,
        pipeline,
        catalogs,
        clock: Date.now,
        mayAct: () => true,
        log: pino({ level: 'silent' }),
        settings,
        tenant: DEFAULT_TENANT,
        poll: POLL_MS,
        parseRequest: parseSendRequest,
      });
    }
  });
  await pool.end();
  process.exit();
});
