import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { listWaits } from '../../store/waits/wait-views.ts';
import { listWaitingRules } from '../../store/waits/waiting-rules.ts';
import { cancelWait, retryWait } from '../../timers/wait-admin.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { idParams } from '../schemas/common.ts';
import { cancelledWait, retriedWait, waitingByRule, waitPage, waitQuery } from '../schemas/waits.ts';

export function registerWaitRoutes(app: App, { database, catalogs, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/waits',
    {
      config: { scope: 'waits:read' },
      schema: {
        operationId: 'listWaits',
        summary: 'List pending and ended waits, newest first',
        tags: ['waits'],
        querystring: waitQuery,
        response: { 200: waitPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { user_id: userId, rule, key, status, set_aside: setAside, limit } = query;
      const cursor = cursors.read(request, ['number', 'uuid']);
      const before = cursor && { beganAt: cursor[0], waitId: cursor[1] };
      const { waits, last } = await listWaits(
        database.forTenant(principal.tenantId),
        principal.tenantId,
        { userId, rule, key, status, isSetAside: setAside === 'true' },
        limit,
        before,
      );
      return { waits, next: last && cursors.write(request, [last.beganAt, last.waitId]) };
    },
  );

  app.get(
    '/api/v1/waits/rules',
    {
      config: { scope: 'waits:read' },
      schema: {
        operationId: 'countWaitsByRule',
        summary: 'Count pending waits by rule, with what is due and overdue; up to 10,000 of each rule',
        tags: ['waits'],
        response: { 200: waitingByRule },
      },
    },
    async ({ principal: { tenantId } }) => ({
      rules: await listWaitingRules(database.forTenant(tenantId), tenantId, clock()),
    }),
  );

  app.post(
    '/api/v1/waits/:id/retry',
    {
      config: { scope: 'waits:write', errors: ['not_found', 'not_retryable'] },
      schema: {
        operationId: 'retryWait',
        summary: 'Try one wait again that is set aside',
        tags: ['waits'],
        params: idParams,
        response: { 202: retriedWait },
      },
    },
    async ({ principal: { tenantId, actor }, params: { id } }, reply) => {
      const isId = z.uuid().safeParse(id).success;
      const pool = database.forTenant(tenantId);
      const result = isId ? await retryWait({ pool, tenantId, actor, now: clock() }, id.toLowerCase()) : undefined;
      if (!result) throw new TidingsError('not_found', 'There is no such wait.');
      if (!result.isRetried) {
        throw new TidingsError(
          'not_retryable',
          'The wait is not set aside; only a wait that is set aside can be retried.',
        );
      }
      return reply.status(202).send({ wait_id: id.toLowerCase(), user_id: result.userId });
    },
  );

  app.post(
    '/api/v1/waits/:id/cancel',
    {
      config: { scope: 'waits:write', errors: ['not_found', 'not_cancellable'] },
      schema: {
        operationId: 'cancelWait',
        summary: 'Cancel one pending wait',
        tags: ['waits'],
        params: idParams,
        response: { 200: cancelledWait },
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
      throw new TidingsError('not_cancellable', `The wait has ${status}; there is nothing to cancel.`);
    },
  );
}
