import { loadUserAudit } from '../../explain/user-audit.ts';
import { loadCorrelated } from '../../store/correlated.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { auditParams, auditQuery, correlatedPage, correlationQuery, userAudit } from '../schemas/users.ts';

export function registerAuditRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/audit',
    {
      config: { scope: 'decisions:read' },
      schema: {
        operationId: 'findCorrelated',
        summary:
          'Find the events, decisions, notifications and deliveries of a correlation id, of all users; newest first',
        tags: ['explain'],
        querystring: correlationQuery,
        response: { 200: correlatedPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const cursor = cursors.read(request, ['number', 'uuid']);
      const { entries, last } = await loadCorrelated(database.forTenant(principal.tenantId), {
        tenantId: principal.tenantId,
        correlationId: query.correlation_id,
        limit: query.limit,
        before: cursor && { at: cursor[0], id: cursor[1] },
      });
      const next = last && cursors.write(request, [last.at, last.id]);
      return { correlation_id: query.correlation_id, entries, next };
    },
  );
  for (const url of ['/api/v1/audit/:user_id', '/audit/:user_id']) {
    app.get(
      url,
      {
        config: { scope: 'decisions:read' },
        schema: {
          operationId: url === '/audit/:user_id' ? 'getUserAuditAtRoot' : 'getUserAudit',
          summary: 'Show the events, decisions with evidence, notifications and attempts of a user',
          tags: ['explain'],
          params: auditParams,
          querystring: auditQuery,
          response: { 200: userAudit },
        },
      },
      async (request) => {
        const { principal, params, query } = request;
        const cursor = cursors.read(request, ['number', 'uuid']);
        const { last, ...audit } = await loadUserAudit(database.forTenant(principal.tenantId), {
          tenantId: principal.tenantId,
          userId: params.user_id,
          limit: query.limit,
          notificationType: query.notification_type ?? null,
          before: cursor && { time: cursor[0], key: cursor[1] },
        });
        return { user_id: params.user_id, ...audit, next: last && cursors.write(request, [last.time, last.key]) };
      },
    );
  }
}
