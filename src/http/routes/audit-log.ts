import { z } from 'zod';
import { listAuditEntries } from '../../store/audit-log.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { anyObject, limitQuery, problemSchema, timestamp } from './schemas.ts';

const entry = z.object({
  entry_id: z.string(),
  at: timestamp,
  actor: z.string(),
  action: z.string(),
  subject: z.string(),
  detail: anyObject,
});

/** Changes by operators: who did what, and when. */
export function registerAuditLogRoutes(app: App, { database }: HttpDependencies): void {
  app.get(
    '/api/v1/audit-log',
    {
      config: { scope: 'audit_log:read' },
      schema: {
        summary: 'List the changes by operators, newest first: catalogs applied and rolled back, deliveries retried, …',
        tags: ['operation'],
        querystring: z.strictObject({ limit: limitQuery, before: z.string().optional() }),
        response: { 200: z.object({ entries: z.array(entry), next: z.string().nullable() }), '4xx': problemSchema },
      },
    },
    async ({ principal, query }) => {
      const cursor = readCursor(query.before, ['uuid']);
      const entries = await listAuditEntries(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        query.limit,
        cursor?.[0] ?? null,
      );
      const last = entries.length === query.limit ? entries.at(-1) : undefined;
      return { entries, next: last ? writeCursor([last.entry_id]) : null };
    },
  );
}
