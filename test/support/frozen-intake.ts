import { CatalogCache } from '../../src/catalog/cache.ts';
import { Pipeline } from '../../src/ingest/pipeline.ts';
import { Seal } from '../../src/privacy/seal.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { openPool } from '../../src/store/pg/pool.ts';
import { silent, TENANT } from './tidings.ts';

/**
 * A process that ingests one event and is frozen (SIGSTOP) in the middle of its transaction, between the two round trips, or
 * just before it. Prints the result once it continues. Arguments: the database URL, the idle timeout in ms, the event, the tenant,
 * and `before`.
 */

const [url = '', idle = '', event = '', tenant = TENANT, when = 'within'] = process.argv.slice(2);
let isFrozen = false;
function freeze(): void {
  if (!isFrozen) process.kill(process.pid, 'SIGSTOP');
  isFrozen = true;
}

/** An address is sealed after everything is decided and before anything is written. */
class Freezing extends Seal {
  override seal(text: string, purpose: string) {
    freeze();
    return super.seal(text, purpose);
  }
}

/** The active catalogs are asked for when an event is checked, before its transaction begins. */
class FreezingCatalogs extends CatalogCache {
  override async getActives(tenantId: string) {
    const catalogs = await super.getActives(tenantId);
    if (when === 'before') freeze();
    return catalogs;
  }
}

const pool = openPool(url, { max: 2, name: 'frozen', timeouts: { idleInTransaction: Number(idle) } });
const pipeline = new Pipeline({
  pool,
  catalogs: new FreezingCatalogs(pool),
  partitions: new Partitions(pool),
  seal: new Freezing(Buffer.alloc(32)),
  clock: Date.now,
  log: silent,
});
const answer = await pipeline.ingest(tenant, [JSON.parse(event)]).then(
  ([result]) => result?.status,
  (error) => error.code,
);
console.log(`answer: ${answer}`);
await pool.end();
