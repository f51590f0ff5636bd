import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { INSTALLATION_SCOPES, systemActor } from '../../src/model/principal.ts';
import { BatchWorker } from '../../src/notify/batches/batch-worker.ts';
import { commandBatch, createBatch, requireBatch } from '../../src/notify/batches/commands.ts';
import { MAX_UPLOAD_LINES, uploadLines } from '../../src/notify/batches/upload.ts';
import { ingestEach, useChannelCatalog } from '../channel-catalog.ts';
import { type Row, rate } from '../row.ts';
import { withTidings } from '../setup.ts';

/** Recipients, and events of the limit, at most; the long form has as many recipients as `--events`, up to a million. */
const USUAL_COUNT = 50_000;
const MAX_RECIPIENTS = 1_000_000;
/** Number of events of a run that asks for no other. */
const USUAL_EVENTS = 100_000;
/** Lines of one chunk of the stream of recipients. */
const CHUNK_LINES = 500;

/** A batch from its start until each recipient was asked for, against events that each send the same notification. */
export const batchSendRow: Row = {
  id: 'batch-send',
  name: 'recipients of a batch decided and stored',
  unit: 'recipients/s',
  against: 'events that each send the same notification, 1000 a call',
  direction: 'higher',
  atLeast: 0.3,
  goal: 0.5,
  async measure(setup) {
    const isLong = setup.events > USUAL_EVENTS;
    const count = Math.min(setup.events, isLong ? MAX_RECIPIENTS : USUAL_COUNT);
    const events = Math.min(count, USUAL_COUNT);
    return setup.withDatabase(async (database) => {
      await useChannelCatalog(database);
      return withTidings(database, async ({ pipeline, catalogs, seal, ...tidings }) => {
        const { pool } = database;
        const parts = { pipeline, catalogs, seal, pool, clock: Date.now };
        const limit = await rate(events, () => ingestEach({ pipeline, catalogs, seal, ...tidings }, 'note', events));
        const asker = {
          tenantId: DEFAULT_TENANT,
          actor: systemActor('bench'),
          scopes: new Set(INSTALLATION_SCOPES),
          operationId: crypto.randomUUID(),
        };
        const request = { type: 'NOTE' };
        const { batchId } = await createBatch(parts, asker, { name: null, perSecond: null, audience: null, request });
        const added = performance.now();
        // As many lines as one request may have.
        for (let offset = 0; offset < count; offset += MAX_UPLOAD_LINES) {
          const upload = { tenantId: DEFAULT_TENANT, actor: asker.actor, batchId, offset };
          await uploadLines(parts, upload, recipients(offset, Math.min(count, offset + MAX_UPLOAD_LINES)));
        }
        const uploaded = count / ((performance.now() - added) / 1000);
        const log = pino({ level: 'silent' });
        const worker = new BatchWorker({ ...parts, log, poll: 5, maxOpen: Number.POSITIVE_INFINITY });
        const memory = watchMemory();
        const value = await rate(count, async () => {
          await commandBatch(parts, asker, batchId, 'start');
          worker.start();
          while ((await requireBatch(pool, DEFAULT_TENANT, batchId)).nextLine < count) await sleep(20);
        });
        await worker.stop();
        return { value, limit, also: { 'lines uploaded/s': uploaded, 'MiB of heap at most': memory.stop() } };
      });
    });
  },
};

async function* recipients(from: number, count: number): AsyncGenerator<Buffer> {
  for (let next = from; next < count; next += CHUNK_LINES) {
    const lines = Array.from(
      { length: Math.min(CHUNK_LINES, count - next) },
      (_, n) => `{"user_id":"b_${next + n}"}\n`,
    );
    yield Buffer.from(lines.join(''));
  }
}

/** Looks at the heap now and then. `stop` returns the most that was used, in MiB. */
function watchMemory(): { stop(): number } {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().heapUsed);
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return Math.round(most / 1024 / 1024);
    },
  };
}
