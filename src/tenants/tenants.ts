import type pg from 'pg';
import { TidingsError, toOutdated } from '../errors.ts';
import type { JsonObject, Millis } from '../model/event.ts';
import type { Actor } from '../model/principal.ts';
import type { TenantSettings } from '../model/tenant.ts';
import { appendAuditEntry } from '../store/audit-log.ts';
import { copyCatalog } from '../store/catalog-followers.ts';
import { sumUsage } from '../store/metrics/sum-usage.ts';
import { requireIsolation, type TenantDatabase } from '../store/pg/tenant-database.ts';
import {
  findFollower,
  insertTenant,
  isCreatedBy,
  listTenants,
  loadTenant,
  lockTenant,
  type StoredTenant,
  setTenantStatus,
  updateTenant,
} from '../store/tenants/tenants.ts';
import { DAY_MS, isoTime } from '../time/iso-time.ts';
import { changeAnnounced } from './announced-change.ts';

/** A tenant as the API shows it. */
export interface TenantView {
  readonly tenant_id: string;
  readonly name: string;
  readonly status: StoredTenant['status'];
  readonly follows: string | null;
  readonly settings: TenantSettings;
  readonly revision: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly suspended_at: string | null;
}

/** Numbers of what a tenant used, as the API shows them. */
export interface TenantUsage {
  /** Start of the first day that is counted. */
  readonly from: string;
  readonly events: number;
  readonly decided: number;
  readonly sent: number;
}

export interface NewTenant {
  readonly tenantId: string;
  readonly name: string;
  /** The tenant whose catalog it has until it applies its own. */
  readonly follows: string;
  readonly settings: TenantSettings;
  /** Identifies the request, a UUID: a repetition returns the tenant that was created. */
  readonly operationId: string;
}

/** Changes to a tenant; what is absent stays. A setting that is null is removed. */
export interface TenantChange {
  readonly name?: string;
  readonly settings?: { readonly [name in keyof TenantSettings]?: TenantSettings[name] | null };
}

/** The one that manages a tenant, and the tenant of the audit log in which it is noted beside that of the tenant itself. */
export interface TenantManager {
  readonly actor: Actor;
  readonly tenantId: string;
}

/** Tenants of the installation. Every change is in the audit log. */
export class Tenants {
  readonly #database: TenantDatabase;
  readonly #clock: () => Millis;
  readonly #onChange: () => void;

  /** @param onChange called after a change was committed; other processes learn of it by KEYS_CHANNEL */
  constructor(database: TenantDatabase, clock: () => Millis, onChange: () => void = () => {}) {
    this.#database = database;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  async list(after: string, limit: number): Promise<TenantView[]> {
    return (await listTenants(this.#database.owner, after, limit)).map(toView);
  }

  /** Returns what these tenants used, by id. @param days those of UTC, with today */
  async sumUsage(
    tenants: readonly Pick<TenantView, 'tenant_id'>[],
    days: number,
  ): Promise<ReadonlyMap<string, TenantUsage>> {
    const from = Math.floor(this.#clock() / DAY_MS) * DAY_MS - (days - 1) * DAY_MS;
    const ids = tenants.map((one) => one.tenant_id);
    const sums = await sumUsage(this.#database.owner, ids, from);
    return new Map(sums.map(({ tenantId, ...used }) => [tenantId, { from: isoTime(from), ...used }]));
  }

  /** @throws TidingsError `not_found` */
  async get(tenantId: string): Promise<TenantView> {
    return toView(requireTenant(await loadTenant(this.#database.owner, tenantId)));
  }

  /** @throws TidingsError `tenant_exists`, `not_found` (the one to follow), `tenant_isolation_unavailable` */
  async create(manager: TenantManager, wanted: NewTenant): Promise<TenantView> {
    await requireIsolation(this.#database);
    return this.#change(async (connection) => {
      const now = this.#clock();
      const base = await lockTenant(connection, wanted.follows);
      if (base?.environment !== 'live' || base.status === 'deleting') {
        throw new TidingsError('not_found', 'There is no such tenant to follow.', { pointer: '/follows' });
      }
      if (await isCreatedBy(connection, wanted.tenantId, wanted.operationId)) {
        return toView(requireTenant(await loadTenant(connection, wanted.tenantId)));
      }
      if (!(await insertTenant(connection, wanted, now))) {
        const message = `There is a tenant ${wanted.tenantId} already, or it is being deleted; choose another id.`;
        throw new TidingsError('tenant_exists', message, { pointer: '/tenant_id' });
      }
      await copyCatalog(connection, base.tenantId, wanted.tenantId);
      const view = toView(requireTenant(await loadTenant(connection, wanted.tenantId)));
      await this.#audit(connection, manager, 'tenant.created', null, view);
      return view;
    });
  }

  /**
   * @param expected the revision that the caller knows; undefined: any
   * @throws TidingsError `not_found`, `outdated`
   */
  async update(
    manager: TenantManager,
    tenantId: string,
    change: TenantChange,
    expected: number | undefined,
  ): Promise<TenantView> {
    return this.#change(async (connection) => {
      const tenant = requireTenant(await lockTenant(connection, tenantId));
      if (expected !== undefined && expected !== tenant.revision) throw toOutdated(tenant.revision);
      const settings = Object.fromEntries(
        Object.entries({ ...tenant.settings, ...change.settings }).filter(([, value]) => value !== null),
      ) as TenantSettings;
      const name = change.name ?? tenant.name;
      const isSame = name === tenant.name && JSON.stringify(settings) === JSON.stringify(tenant.settings);
      if (isSame) return toView(tenant);
      await updateTenant(connection, tenantId, { name, settings }, this.#clock());
      return this.#noteChange(connection, manager, 'tenant.changed', tenant);
    });
  }

  /** Rejects its requests, and stops what it sends and fires. Nothing of it is lost. @throws TidingsError `not_found`, … */
  suspend(manager: TenantManager, tenantId: string): Promise<TenantView> {
    return this.#setStatus(manager, tenantId, 'suspended', 'tenant.suspended');
  }

  /**
   * Stops everything about it, so that a dump has all of it and it can go on in another installation. Its requests are answered
   * with `tenant_moving`, to be repeated.
   */
  move(manager: TenantManager, tenantId: string): Promise<TenantView> {
    return this.#setStatus(manager, tenantId, 'moving', 'tenant.moving');
  }

  /** Accepts its requests again, and goes on with what was open. */
  resume(manager: TenantManager, tenantId: string): Promise<TenantView> {
    return this.#setStatus(manager, tenantId, 'active', 'tenant.resumed');
  }

  /** Deletes a tenant with everything it has: workers do so within minutes. @throws TidingsError `tenant_in_use`, … */
  delete(manager: TenantManager, tenantId: string): Promise<TenantView> {
    return this.#setStatus(manager, tenantId, 'deleting', 'tenant.deleted');
  }

  #setStatus(
    manager: TenantManager,
    tenantId: string,
    status: StoredTenant['status'],
    action: string,
  ): Promise<TenantView> {
    return this.#change(async (connection) => {
      const tenant = requireTenant(await lockTenant(connection, tenantId));
      if (tenant.status === status) return toView(tenant);
      if (tenant.status === 'deleting') {
        throw new TidingsError('tenant_in_use', 'The tenant is being deleted, which cannot be stopped.');
      }
      if (tenantId === manager.tenantId && status !== 'active') {
        const message = 'This is the tenant that you act for; act for another one to do this.';
        throw new TidingsError('tenant_in_use', message);
      }
      if (status === 'deleting') {
        const follower = await findFollower(connection, tenantId);
        if (follower !== null) {
          const message = `The tenant ${follower} follows its catalog; let it follow another one first.`;
          throw new TidingsError('tenant_in_use', message);
        }
      }
      await setTenantStatus(connection, tenantId, status, this.#clock());
      return this.#noteChange(connection, manager, action, tenant);
    });
  }

  async #noteChange(
    connection: pg.PoolClient,
    manager: TenantManager,
    action: string,
    before: StoredTenant,
  ): Promise<TenantView> {
    const after = toView(requireTenant(await loadTenant(connection, before.tenantId)));
    await this.#audit(connection, manager, action, toView(before), after);
    return after;
  }

  /** Notes a change in the audit log of the tenant, and in that of the one who made it: the first is deleted with the tenant. */
  async #audit(
    connection: pg.PoolClient,
    { actor, tenantId }: TenantManager,
    action: string,
    before: TenantView | null,
    after: TenantView,
  ): Promise<void> {
    for (const log of new Set([tenantId, after.tenant_id])) {
      const states = { before: before && toState(before), after: toState(after) };
      const entry = { tenantId: log, actor, action, subject: after.tenant_id, detail: {}, ...states };
      await appendAuditEntry(connection, entry, this.#clock());
    }
  }

  #change<T>(work: (connection: pg.PoolClient) => Promise<T>): Promise<T> {
    return changeAnnounced(this.#database.owner, this.#onChange, work);
  }
}

/** A test tenant is managed with its live one, and is not one of its own. */
function requireTenant(tenant: StoredTenant | null): StoredTenant {
  if (tenant?.environment !== 'live') throw new TidingsError('not_found', 'There is no such tenant.');
  return tenant;
}

function toView(tenant: StoredTenant): TenantView {
  return {
    tenant_id: tenant.tenantId,
    name: tenant.name,
    status: tenant.status,
    follows: tenant.follows,
    settings: tenant.settings,
    revision: tenant.revision,
    created_at: isoTime(tenant.createdAt),
    updated_at: isoTime(tenant.updatedAt),
    // The store keeps the time of a resumed tenant until everything that was held is released.
    suspended_at: tenant.suspendedAt === null || tenant.status === 'active' ? null : isoTime(tenant.suspendedAt),
  };
}

function toState(view: TenantView): JsonObject {
  return { ...view } as unknown as JsonObject;
}
