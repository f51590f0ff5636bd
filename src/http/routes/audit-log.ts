import { listAuditEntries } from '../../store/audit-log.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { auditLogPage } from '../schemas/audit-log.ts';
import { pageQuery } from '../schemas/common.ts';

/** Changes by operators: who did what, and when. */
export function registerAuditLogRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/audit-log',
    {
      config: { scope: 'audit_log:read' },
      schema: {
        operationId: 'listAuditLog',
        summary: 'List the changes by operators, newest first: catalogs applied and rolled back, deliveries retried, …',
        tags: ['operation'],
        querystring: pageQuery,
        response: { 200: auditLogPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const cursor = cursors.read(request, ['uuid']);
      const entries = await listAuditEntries(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        query.limit,
        cursor?.[0] ?? null,
      );
      return { entries, next: cursors.next(request, entries, query.limit, (last) => [last.entry_id]) };
    },
  );
}
