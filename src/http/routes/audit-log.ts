import { Readable } from 'node:stream';
import { type AuditFilter, listAuditEntries, streamAuditEntries } from '../../store/audit-log.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { auditExport, auditExportQuery, auditLogPage, auditQuery } from '../schemas/audit-log.ts';

/** Changes: who did what, when, and from where. */
export function registerAuditLogRoutes(app: App, { database, seal }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/audit-log',
    {
      config: { scope: 'audit_log:read' },
      schema: {
        operationId: 'listAuditLog',
        summary: 'List changes, newest first: keys created, catalogs applied, deliveries retried, …',
        tags: ['operation'],
        querystring: auditQuery,
        response: { 200: auditLogPage },
      },
    },
    async (request) => {
      const { tenantId } = request.principal;
      const { limit, after: _, ...query } = request.query;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const page = await listAuditEntries(database.forTenant(tenantId), tenantId, {
        filter: toFilter(query),
        limit,
        before,
      });
      return { entries: page.entries, next: page.last === null ? null : cursors.write(request, [page.last]) };
    },
  );

  app.get(
    '/api/v1/audit-log/export',
    {
      config: { scope: 'audit_log:read', mediaType: 'application/x-ndjson' },
      schema: {
        operationId: 'exportAuditLog',
        summary: 'Export changes as NDJSON, newest first; a connection that breaks off before the end is an error',
        tags: ['operation'],
        querystring: auditExportQuery,
        response: { 200: auditExport },
      },
    },
    async ({ principal: { tenantId }, query }, reply) => {
      const read = await database.readsOf(tenantId).stream(async function* (pool) {
        for await (const page of streamAuditEntries(pool, tenantId, toFilter(query))) yield toLines(page);
      });
      const lines = Readable.from(answerAsOf(reply, read));
      return reply.type('application/x-ndjson').send(lines as unknown as string);
    },
  );
}

function toLines(entries: readonly object[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

interface AuditQuery {
  readonly actor?: string | undefined;
  readonly actor_kind?: AuditFilter['actorKind'] | undefined;
  readonly action?: string | undefined;
  readonly subject?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

function toFilter({ actor, actor_kind, action, subject, since, until }: AuditQuery): AuditFilter {
  return {
    ...(actor !== undefined && { actor }),
    ...(actor_kind !== undefined && { actorKind: actor_kind }),
    ...(action !== undefined && { action }),
    ...(subject !== undefined && { subject }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  };
}
