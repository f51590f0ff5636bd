import { randomBytes } from 'node:crypto';
import pino from 'pino';
import { parseKafkaSettings } from '../../src/kafka/parse-settings.ts';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import type { KafkaSettings } from '../../src/model/kafka.ts';
import { Seal } from '../../src/privacy/seal.ts';
import { SinkWorker } from '../../src/sinks/sink-worker.ts';
import { openPool } from '../../src/store/pg/pool.ts';

/*
 * Relays the outbox of a database (DATABASE_URL) as a process with workers does, with claims of RELAY_CLAIM_MS: so a test need not
 * freeze it for a minute until its claims are over.
 */

const pool = openPool(process.env.DATABASE_URL ?? '', { max: 5, name: 'relay' });
const worker = new SinkWorker({
  pool,
  seal: new Seal(randomBytes(32)),
  clock: Date.now,
  mayAct: () => true,
  log: pino({ level: 'warn' }),
  settings: parseKafkaSettings(process.env) as KafkaSettings,
  tenant: DEFAULT_TENANT,
  poll: 200,
  claim: Number(process.env.RELAY_CLAIM_MS),
});
worker.start();
process.once('SIGTERM', async () => {
  await worker.stop();
  await pool.end();
  process.exit();
});
console.log(JSON.stringify({ ready: true }));
