import type { FastifyRequest } from 'fastify';
import type pg from 'pg';
import type { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { loadUserAudit } from '../../explain/user-audit.ts';
import { loadCorrelated } from '../../store/correlated.ts';
import { findEventPlace } from '../../store/event-place.ts';
import type { EventCursor, TimelinePlace } from '../../store/timeline.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { auditParams, auditQuery, correlatedPage, correlationQuery, userAudit } from '../schemas/users.ts';

type AuditRequest = Pick<FastifyRequest, 'principal' | 'routeOptions'> & {
  readonly params: z.output<typeof auditParams>;
  readonly query: z.output<typeof auditQuery>;
};

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
  /** @throws TidingsError `not_found` if the user has no event with the id that the request names */
  const findPlace = async (request: AuditRequest, pool: pg.Pool): Promise<TimelinePlace> => {
    const { principal, params, query } = request;
    const { around, after, before } = query;
    if ([around, after, before].filter((one) => one !== undefined).length > 1) {
      throw new TidingsError('invalid_request', 'Send only one of around, after and before.', {
        pointer: around === undefined ? 'before' : 'around',
      });
    }
    if (around !== undefined) {
      const found = await findEventPlace(pool, principal.tenantId, params.user_id, around);
      if (!found) throw new TidingsError('not_found', 'The user has no event with this id.', { pointer: 'around' });
      return { kind: 'around', at: found };
    }
    const [kind, cursor] = before === undefined ? (['older', after] as const) : (['newer', before] as const);
    if (cursor === undefined) return { kind: 'newest' };
    const at = cursors.read(request, ['number', 'uuid'], kind === 'older' ? 'after' : 'before');
    return at === null ? { kind: 'newest' } : { kind, at: { time: at[0], key: at[1] } };
  };
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
        const { tenantId } = principal;
        const pool = database.forTenant(tenantId);
        const { first, last, ...audit } = await loadUserAudit(pool, {
          tenantId,
          userId: params.user_id,
          limit: query.limit,
          notificationType: query.notification_type ?? null,
          place: await findPlace(request, pool),
        });
        const write = (at: EventCursor | null) => at && cursors.write(request, [at.time, at.key]);
        return { user_id: params.user_id, ...audit, next: write(last), previous: write(first) };
      },
    );
  }
}
