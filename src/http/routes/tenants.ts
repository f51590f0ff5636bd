import { TidingsError } from '../../errors.ts';
import { liveTenantId } from '../../model/principal.ts';
import type { Tenants } from '../../tenants/tenants.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { readIfMatch, withEtag } from '../if-match.ts';
import { newTenant, tenant, tenantChange, tenantPage, tenantParams, tenantsQuery } from '../schemas/tenants.ts';

/** Registers the routes of tenants: those of the installation, and those of the caller's own. */
export function registerTenantRoutes(app: App, { seal }: HttpDependencies, tenants: Tenants): void {
  const cursors = new Cursors(seal);

  app.get(
    '/api/v1/tenants',
    {
      config: { scope: 'tenants:read' },
      schema: {
        operationId: 'listTenants',
        summary: 'List the tenants of the installation, in order of their ids',
        tags: ['tenants'],
        querystring: tenantsQuery,
        response: { 200: tenantPage },
      },
    },
    async (request) => {
      const { limit, usage_days: days } = request.query;
      const found = await tenants.list(cursors.read(request, ['text'])?.[0] ?? '', limit);
      const uses = days === undefined ? null : await tenants.sumUsage(found, days);
      const listed = found.map((one) => ({ ...one, usage: uses?.get(one.tenant_id) ?? null }));
      return { tenants: listed, next: cursors.next(request, listed, limit, (last) => [last.tenant_id]) };
    },
  );

  app.post(
    '/api/v1/tenants',
    {
      config: { scope: 'tenants:write', errors: ['tenant_exists', 'tenant_isolation_unavailable', 'not_found'] },
      schema: {
        operationId: 'createTenant',
        summary: 'Create a tenant',
        tags: ['tenants'],
        body: newTenant,
        response: { 201: tenant },
      },
    },
    async ({ principal, body, operationId }, reply) => {
      const created = await tenants.create(principal, {
        operationId,
        tenantId: body.tenant_id,
        name: body.name ?? body.tenant_id,
        follows: body.follows ?? principal.tenantId,
        settings: body.settings as object,
      });
      return reply.status(201).send(withEtag(reply, created));
    },
  );

  app.get(
    '/api/v1/tenants/:tenant_id',
    {
      config: { scope: 'tenants:read', errors: ['not_found'] },
      schema: {
        operationId: 'getTenant',
        summary: 'Show a tenant',
        tags: ['tenants'],
        params: tenantParams,
        response: { 200: tenant },
      },
    },
    async ({ params }, reply) => {
      return withEtag(reply, await tenants.get(params.tenant_id));
    },
  );

  app.patch(
    '/api/v1/tenants/:tenant_id',
    {
      config: { scope: 'tenants:write', errors: ['not_found', 'outdated'] },
      schema: {
        operationId: 'updateTenant',
        summary: 'Change the name or settings of a tenant',
        tags: ['tenants'],
        params: tenantParams,
        body: tenantChange,
        response: { 200: tenant },
      },
    },
    async (request, reply) => {
      const { principal, params, body } = request;
      const expected = readIfMatch(request);
      return withEtag(reply, await tenants.update(principal, params.tenant_id, body as object, expected));
    },
  );

  for (const [verb, operationId, summary] of [
    [
      'suspend',
      'suspendTenant',
      'Suspend a tenant: its requests are rejected, and what it sends and fires stops; nothing is lost',
    ],
    [
      'move',
      'moveTenant',
      'Prepare a tenant for its move to another installation: its requests are to be repeated, and nothing is decided, sent or fired here',
    ],
    ['resume', 'resumeTenant', 'Resume a tenant: its requests are accepted again, and what was open goes on'],
  ] as const) {
    app.post(
      `/api/v1/tenants/:tenant_id/${verb}`,
      {
        config: { scope: 'tenants:write', errors: ['not_found', 'tenant_in_use'] },
        schema: { operationId, summary, tags: ['tenants'], params: tenantParams, response: { 200: tenant } },
      },
      async ({ principal, params }, reply) => withEtag(reply, await tenants[verb](principal, params.tenant_id)),
    );
  }

  app.delete(
    '/api/v1/tenants/:tenant_id',
    {
      config: { scope: 'tenants:write', errors: ['not_found', 'tenant_in_use'] },
      schema: {
        operationId: 'deleteTenant',
        summary: 'Delete a tenant with everything it has; it is gone within minutes, and cannot be restored',
        tags: ['tenants'],
        params: tenantParams,
        response: { 202: tenant },
      },
    },
    async ({ principal, params }, reply) => reply.status(202).send(await tenants.delete(principal, params.tenant_id)),
  );

  app.get(
    '/api/v1/tenant',
    {
      config: { scope: 'settings:read', errors: ['not_found'] },
      schema: {
        operationId: 'getOwnTenant',
        summary: 'Show the tenant that the caller acts for',
        tags: ['tenants'],
        response: { 200: tenant },
      },
    },
    async ({ principal }, reply) => {
      return withEtag(reply, await tenants.get(liveTenantId(principal.tenantId)));
    },
  );

  app.patch(
    '/api/v1/tenant',
    {
      config: { scope: 'settings:write', errors: ['not_found', 'outdated'] },
      schema: {
        operationId: 'updateOwnTenant',
        summary: 'Change the name or settings of the tenant that the caller acts for',
        tags: ['tenants'],
        body: tenantChange,
        response: { 200: tenant },
      },
    },
    async (request, reply) => {
      const { principal, body } = request;
      if (principal.environment === 'test') {
        throw new TidingsError(
          'forbidden',
          'A test key cannot change the settings, which are those of the live tenant.',
        );
      }
      const expected = readIfMatch(request);
      return withEtag(reply, await tenants.update(principal, principal.tenantId, body as object, expected));
    },
  );
}
