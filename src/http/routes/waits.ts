import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { WAIT_STATUSES } from '../../model/decision.ts';
import { listWaits } from '../../store/waits/wait-views.ts';
import { countWaiting } from '../../store/waits/waits.ts';
import { cancelWait } from '../../timers/wait-admin.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { decisionWithEvidence, limitQuery, pathText, problemSchema, timestamp } from './schemas.ts';

const wait = z.object({
  wait_id: z.string(),
  user_id: z.string(),
  rule: z.string(),
  key: z.string().nullable(),
  kind: z.string(),
  status: z.enum(WAIT_STATUSES),
  catalog_version: z.number(),
  event_id: z.string().describe('The event that triggered the rule'),
  event_type: z.string(),
  event_timestamp: timestamp,
  due_at: timestamp,
  began_at: timestamp,
  ended_at: timestamp.nullable(),
  ended_by: z.string().nullable().describe('The event that ended the wait'),
  items: z.number().nullable().describe('Number of items of a digest'),
  decisions: z.array(decisionWithEvidence).readonly(),
});

export function registerWaitRoutes(app: App, { database, catalogs, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/waits',
    {
      config: { scope: 'waits:read' },
      schema: {
        summary: 'List pending and ended waits, newest first',
        tags: ['waits'],
        querystring: z.strictObject({
          user_id: pathText.optional(),
          rule: pathText.optional(),
          status: z.enum(WAIT_STATUSES).optional(),
          limit: limitQuery,
          before: z.string().optional(),
        }),
        response: { 200: z.object({ waits: z.array(wait), next: z.string().nullable() }), '4xx': problemSchema },
      },
    },
    async ({ principal, query }) => {
      const { user_id: userId, rule, status, limit } = query;
      const cursor = readCursor(query.before, ['number', 'uuid']);
      const before = cursor && { beganAt: cursor[0], waitId: cursor[1] };
      const { waits, last } = await listWaits(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        { userId, rule, status },
        limit,
        before,
      );
      return { waits, next: last && writeCursor([last.beganAt, last.waitId]) };
    },
  );

  app.get(
    '/api/v1/waits/rules',
    {
      config: { scope: 'waits:read' },
      schema: {
        summary: 'Count pending waits by rule',
        tags: ['waits'],
        response: {
          200: z.object({ rules: z.array(z.object({ rule: z.string(), users: z.number(), waits: z.number() })) }),
        },
      },
    },
    async ({ principal: { tenantId } }) => ({ rules: await countWaiting(database.forTenant(tenantId), tenantId) }),
  );

  app.post(
    '/api/v1/waits/:id/cancel',
    {
      config: { scope: 'waits:write' },
      schema: {
        summary: 'Cancel one pending wait',
        tags: ['waits'],
        params: z.object({ id: z.string().max(256) }),
        response: { 200: z.object({ wait_id: z.string(), user_id: z.string() }), '4xx': problemSchema },
      },
    },
    async ({ principal, params: { id } }) => {
      const isId = z.uuid().safeParse(id).success;
      const result = isId
        ? await cancelWait(
            {
              pool: database.forTenant(principal.tenantId),
              catalogs,
              tenantId: principal.tenantId,
              actor: principal.actor,
              now: clock(),
            },
            id.toLowerCase(),
          )
        : undefined;
      if (!result) throw new TidingsError('not_found', 'There is no such wait.');
      const { userId, status } = result;
      // A second cancellation, such as the repetition of a request whose response was lost, is no error.
      if (status === 'cancelled') return { wait_id: id.toLowerCase(), user_id: userId };
      throw new TidingsError('not_cancellable', `The wait has ${status}; there is nothing to cancel.`, {
        path: 'status',
      });
    },
  );
}
