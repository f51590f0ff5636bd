import { TidingsError } from '../../errors.ts';
import { liveTenantId } from '../../model/principal.ts';
import { followCatalog } from '../../store/catalog-followers.ts';
import type { App, HttpDependencies } from '../app.ts';
import { followBody, followResult } from '../schemas/tenants.ts';

/** A tenant has the catalog of another one until it applies its own. */
export function registerFollowRoutes(app: App, { database, catalogs, clock }: HttpDependencies): void {
  app.put(
    '/api/v1/catalog/follow',
    {
      config: { scope: 'catalog:write', errors: ['not_found', 'release_under_way'] },
      schema: {
        operationId: 'followCatalog',
        summary: 'Follow the catalog of another tenant, until a catalog is applied here',
        tags: ['catalog'],
        body: followBody,
        response: { 200: followResult },
      },
    },
    async ({ principal: { tenantId, actor, scopes }, body }) => {
      // Only the installation, or a tenant that says so itself, shows a catalog to others.
      const mayFollow = scopes.has('tenants:read') || body.tenant_id === liveTenantId(tenantId);
      const followed = mayFollow
        ? await followCatalog(database.owner, tenantId, body.tenant_id, actor, clock())
        : undefined;
      if (!followed) {
        throw new TidingsError('not_found', 'There is no such tenant to follow.', { pointer: '/tenant_id' });
      }
      await catalogs.refresh(tenantId);
      return followed;
    },
  );
}
