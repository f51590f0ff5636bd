import { DEFAULT_TENANT } from '../../src/model/event.ts';
import { makeSignups, type PostedEvent } from '../events.ts';
import { median } from '../median.ts';
import { type Row, rate } from '../row.ts';
import { type Database, type Setup, type Tidings, withTidings } from '../setup.ts';

const TENANTS = 1000;
/** Times that each tenant posts one event; the first does not count, as it loads the catalogs. */
const PASSES = 6;

/** Every batch is of one tenant: this is what the events of many tenants cost more than those of one. */
export const tenantsRow: Row = {
  id: 'tenants',
  name: 'events of 1000 tenants, one each at a time, decided and stored',
  unit: 'events/s',
  against: 'as many of one tenant, one a request',
  direction: 'higher',
  atLeast: 0.05,
  goal: 0.2,
  async measure(setup) {
    const ids = Array.from({ length: TENANTS }, (_, i) => `t${i}`);
    const limit = await ingestPasses(
      setup,
      ids.map(() => DEFAULT_TENANT),
    );
    const value = await ingestPasses(setup, ids);
    return { value, limit };
  },
};

/** Ingests a pass of one event for each of these tenants, all at once, PASSES times. Returns events/s after the first. */
function ingestPasses(setup: Setup, tenants: readonly string[]): Promise<number> {
  const events = signups(setup, tenants.length * PASSES);
  const pass = (tidings: Tidings, index: number) =>
    Promise.all(tenants.map((id, i) => ingest(tidings, id, [events[index * tenants.length + i] as PostedEvent])));
  return setup.withDatabase(async (database) => {
    await addTenants(database, tenants);
    return withTidings(database, async (tidings) => {
      await pass(tidings, 0);
      return rate(tenants.length * (PASSES - 1), async () => {
        for (let index = 1; index < PASSES; index++) await pass(tidings, index);
      });
    });
  });
}

const QUIET_EVENTS = 30;
/** Requests of the flood under way at once, of FLOOD_EVENTS each: most of the 20,000 events that may wait in a process. */
const FLOOD_REQUESTS = 16;
const FLOOD_EVENTS = 1000;

/** Latency that a tenant with an event now and then has beside one that posts as much as it can. */
export const floodRow: Row = {
  id: 'flood',
  name: 'latency of a quiet tenant, one event at a time, beside one that floods (p50)',
  unit: 'ms',
  against: 'the same tenant alone',
  direction: 'lower',
  atLeast: 60,
  goal: 30,
  async measure(setup) {
    const events = signups(setup, 2 * QUIET_EVENTS);
    return setup.withDatabase(async (database) => {
      await addTenants(database, ['flood']);
      return withTidings(database, async (tidings) => {
        // Compiles the code, and makes the plans of PostgreSQL.
        await ingest(tidings, 'flood', signups(setup, FLOOD_EVENTS));
        const alone = await measureQuiet(tidings, events.slice(0, QUIET_EVENTS));
        const flood = startFlood(tidings, setup);
        const beside = await measureQuiet(tidings, events.slice(QUIET_EVENTS));
        await flood.stop();
        return {
          value: median(beside),
          limit: median(alone),
          also: { longest: Math.max(...beside), 'longest alone': Math.max(...alone) },
        };
      });
    });
  },
};

/** Ingests one event after the other. Returns the time of each in ms. */
async function measureQuiet(tidings: Tidings, events: readonly PostedEvent[]): Promise<number[]> {
  const times: number[] = [];
  for (const event of events) {
    const start = performance.now();
    await ingest(tidings, DEFAULT_TENANT, [event]);
    times.push(performance.now() - start);
  }
  return times;
}

function startFlood(tidings: Tidings, setup: Setup): { stop(): Promise<void> } {
  let isStopping = false;
  let made = 0;
  const run = async () => {
    while (!isStopping) {
      const firstUser = 1_000_000 + FLOOD_EVENTS * made++;
      await ingest(tidings, 'flood', makeSignups({ ...setup.traffic(FLOOD_EVENTS), count: FLOOD_EVENTS, firstUser }));
    }
  };
  const running = Promise.all(Array.from({ length: FLOOD_REQUESTS }, run));
  return {
    async stop() {
      isStopping = true;
      await running;
    },
  };
}

function signups(setup: Setup, count: number): PostedEvent[] {
  return makeSignups({ ...setup.traffic(count), count });
}

async function ingest({ pipeline }: Tidings, tenantId: string, events: readonly PostedEvent[]): Promise<void> {
  const results = await pipeline.ingest(tenantId, events);
  const failed = results.find(({ status }) => status !== 'accepted');
  if (failed) throw new Error(`an event of ${tenantId} is ${failed.status}: ${failed.message}`);
}

/** Adds tenants that follow the default one, as many as are not there. */
async function addTenants({ pool }: Database, tenants: readonly string[]): Promise<void> {
  await pool.query(
    `with added as (
       insert into tenants (tenant_id, name, follows) select id, id, $2 from unnest($1::text[]) as id
       on conflict do nothing returning tenant_id),
     versions as (
       insert into catalogs (tenant_id, version, content_hash, applied_at, applied_by)
       select added.tenant_id, 1, content_hash, applied_at, applied_by
       from added, active_catalogs as a join catalogs as c using (tenant_id, version) where a.tenant_id = $2
       returning tenant_id, version)
     insert into active_catalogs select tenant_id, version from versions`,
    [tenants, DEFAULT_TENANT],
  );
}
