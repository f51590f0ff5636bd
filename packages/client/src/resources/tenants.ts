import type { CallOptions } from '../connection.ts';
import type { Listing } from '../listing.ts';
import type { Query } from '../operation.ts';
import { Resource } from '../resource.ts';
import type { NewTenant, Tenant, TenantChange } from '../types.ts';

/** Tenants of the installation; all but the own one need a key of the installation. */
export class Tenants extends Resource {
  list(query: Query<'listTenants'> = {}, options?: CallOptions): Listing<Tenant> {
    return this.pages('/api/v1/tenants', 'tenants', { query }, options);
  }

  create(tenant: NewTenant, options?: CallOptions): Promise<Tenant> {
    return this.request('post', '/api/v1/tenants', { body: tenant }, options);
  }

  /** Returns a tenant. Its etag is for the `ifMatch` of `update`. */
  get(tenantId: string, options?: CallOptions): Promise<Tenant> {
    return this.request('get', '/api/v1/tenants/{tenant_id}', { path: { tenant_id: tenantId } }, options);
  }

  update(tenantId: string, change: TenantChange, options?: CallOptions): Promise<Tenant> {
    const path = { tenant_id: tenantId };
    return this.request('patch', '/api/v1/tenants/{tenant_id}', { path, body: change }, options);
  }

  /** Rejects the requests of a tenant, and keeps what it has queued. */
  suspend(tenantId: string, options?: CallOptions): Promise<Tenant> {
    return this.request('post', '/api/v1/tenants/{tenant_id}/suspend', { path: { tenant_id: tenantId } }, options);
  }

  /** Stops a tenant here, so that a dump has all of it. Its requests are answered with `tenant_moving`, which the client repeats. */
  move(tenantId: string, options?: CallOptions): Promise<Tenant> {
    return this.request('post', '/api/v1/tenants/{tenant_id}/move', { path: { tenant_id: tenantId } }, options);
  }

  resume(tenantId: string, options?: CallOptions): Promise<Tenant> {
    return this.request('post', '/api/v1/tenants/{tenant_id}/resume', { path: { tenant_id: tenantId } }, options);
  }

  /** Begins to delete a tenant with everything that it has. */
  delete(tenantId: string, options?: CallOptions): Promise<Tenant> {
    return this.request('delete', '/api/v1/tenants/{tenant_id}', { path: { tenant_id: tenantId } }, options);
  }

  /** Returns the tenant for which the client acts. */
  getOwn(options?: CallOptions): Promise<Tenant> {
    return this.request('get', '/api/v1/tenant', {}, options);
  }

  updateOwn(change: TenantChange, options?: CallOptions): Promise<Tenant> {
    return this.request('patch', '/api/v1/tenant', { body: change }, options);
  }
}
