import { loadUserAudit } from '../../explain/user-audit.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { auditParams, auditQuery, userAudit } from '../schemas/users.ts';

export function registerAuditRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
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
