import type pg from 'pg';
import type { Logger } from 'pino';
import type { Millis } from '../model/event.ts';
import { areUsersLocked } from '../store/facts/facts.ts';
import { withTransaction } from '../store/pg/transaction.ts';
import {
  deleteFromTopicsOfOthers,
  deleteSome,
  deleteTenantRow,
  listTenantTables,
  type TenantTable,
} from '../store/tenants/delete-tenant.ts';
import { holdStopped, releaseResumed } from '../store/tenants/queues.ts';
import { listUnsettledTenants, loadTenant, type UnsettledTenant } from '../store/tenants/tenants.ts';

export interface TenantKeeperOptions {
  readonly pool: pg.Pool;
  readonly clock: () => Millis;
  readonly log: Logger;
  /** Interval in ms at which tenants are looked at. Default 2 s. */
  readonly interval?: Millis;
  /** Time in ms after a deletion was asked for until rows are deleted: requests under way end in it. Default 15 s. */
  readonly grace?: Millis;
}

/** Tenants that one statement lists. */
const PAGE_TENANTS = 500;
/** Chunks of one tenant that are worked on before the next tenant has its turn. */
const CHUNKS_PER_TURN = 10;
/** Longest time (ms) between two looks at a suspended tenant whose rows are all held: work that was under way may add some. */
const LONGEST_REST_MS = 300_000;

/**
 * Holds the queues of tenants that are suspended, releases those of tenants that are active again, and deletes the rows of
 * tenants that are being deleted: a chunk of rows in each transaction, in all processes with workers, the tenants in turns. What
 * is cut off has done its chunks, and is continued by any process.
 */
export class TenantKeeper {
  readonly #options: Required<TenantKeeperOptions>;
  readonly #rests = new Map<string, { readonly until: Millis; readonly ms: Millis }>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(options: TenantKeeperOptions) {
    this.#options = { interval: 2000, grace: 15_000, ...options };
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), this.#options.interval);
    this.wake();
  }

  /** Looks at the tenants now. */
  wake(): void {
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when the look under way has ended. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Resolves when the chunk under way is done. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#isStopping = true;
    await this.#running;
  }

  async #look(): Promise<void> {
    const { pool, log } = this.#options;
    try {
      // Until every tenant rests: a turn works on ten chunks of each.
      for (let isBusy = true; isBusy && !this.#isStopping; ) {
        isBusy = false;
        let after = '';
        for (;;) {
          const tenants = await listUnsettledTenants(pool, after, PAGE_TENANTS);
          for (const tenant of tenants) {
            if (this.#isStopping) return;
            if (await this.#takeTurn(tenant)) isBusy = true;
          }
          if (tenants.length < PAGE_TENANTS) break;
          after = tenants.at(-1)?.tenantId ?? after;
        }
      }
    } catch (error) {
      log.warn({ err: error }, 'tenants that are suspended, resumed or deleted could not be worked on; trying again');
    }
  }

  /** Returns whether there is more to do for the tenant now. */
  async #takeTurn(tenant: UnsettledTenant): Promise<boolean> {
    const { tenantId, status } = tenant;
    if (status === 'deleting') return this.#deleteRows(tenantId);
    if ((this.#rests.get(toRestKey(tenant))?.until ?? 0) > performance.now()) return false;
    for (let chunk = 0; chunk < CHUNKS_PER_TURN; chunk++) {
      if (this.#isStopping) return false;
      const isDone = await (status === 'active' ? this.#releaseChunk(tenantId) : this.#holdChunk(tenant));
      if (isDone) return false;
    }
    return true;
  }

  /** Returns whether everything is held. */
  async #holdChunk(tenant: UnsettledTenant): Promise<boolean> {
    const held = await withTransaction(this.#options.pool, (connection) => holdStopped(connection, tenant.tenantId));
    const key = toRestKey(tenant);
    if (held === 0) this.#rest(key);
    else this.#rests.delete(key);
    return held === null || held === 0;
  }

  /** Returns whether nothing more can be released now. */
  async #releaseChunk(tenantId: string): Promise<boolean> {
    const { pool, clock } = this.#options;
    return !(await withTransaction(pool, (connection) => releaseResumed(connection, tenantId, clock())));
  }

  /** Rests twice as long as before. */
  #rest(key: string): void {
    const ms = Math.min((this.#rests.get(key)?.ms ?? this.#options.interval / 2) * 2, LONGEST_REST_MS);
    this.#rests.set(key, { until: performance.now() + ms, ms });
    if (this.#rests.size > 10_000) this.#rests.clear();
  }

  /** Deletes up to CHUNKS_PER_TURN chunks, table after table, and at last the tenant. Returns whether there may be more. */
  async #deleteRows(tenantId: string): Promise<boolean> {
    const { pool, clock, grace, log } = this.#options;
    const tenant = await loadTenant(pool, tenantId);
    if (tenant?.status !== 'deleting') return false;
    // Nothing more is sent meanwhile.
    if (((await withTransaction(pool, (connection) => holdStopped(connection, tenantId))) ?? 0) > 0) return true;
    if (clock() - (tenant.suspendedAt ?? 0) < grace) return false;
    const tables = await listTenantTables(pool);
    // Work under way may have added rows to a table that was empty before: the next turn finds them.
    if ((await this.#deleteChunks(tenantId, tables)) > 0) return true;
    // Transactions that began before its catalogs were deleted may still write: those of a frozen process. Later ones do not.
    if (await areUsersLocked(pool, tenantId)) return false;
    if ((await this.#deleteChunks(tenantId, tables)) > 0) return true;
    await withTransaction(pool, async (connection) => {
      const { rowCount } = await connection.query('select from tenants where live_tenant_id = $1', [tenantId]);
      if (rowCount === 0) await deleteTenantRow(connection, tenantId);
    });
    if (await loadTenant(pool, tenantId)) return false;
    log.info({ tenant: tenantId }, 'a tenant was deleted with everything it had');
    return false;
  }

  /** Returns how many chunks were deleted, up to CHUNKS_PER_TURN; 0: no table had a row. */
  async #deleteChunks(tenantId: string, tables: readonly TenantTable[]): Promise<number> {
    const { pool } = this.#options;
    let chunks = 0;
    const parts = [
      ...tables.map((table) => () => deleteSome(pool, table, tenantId)),
      () => deleteFromTopicsOfOthers(pool, tenantId),
    ];
    for (const deletePart of parts) {
      while ((await deletePart()) > 0) {
        if (++chunks === CHUNKS_PER_TURN || this.#isStopping) return chunks;
      }
    }
    return chunks;
  }
}

/** A tenant that was resumed and is stopped again has its rows held at once: its status has another revision. */
function toRestKey({ tenantId, revision }: UnsettledTenant): string {
  return `${tenantId} ${revision}`;
}
