import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { redact } from '../../privacy/mask.ts';
import { beginErasure, loadErasure } from '../../store/erasure/erasures.ts';
import type { App, HttpDependencies } from '../app.ts';
import { idParams } from '../schemas/common.ts';
import { erasure, erasureBody } from '../schemas/erasures.ts';
import { userParams } from '../schemas/user-requests.ts';

/** Erasure of everything about a user. */
export function registerErasureRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  app.post(
    '/api/v1/users/:user_id/erase',
    {
      config: { scope: 'users:erase', errors: ['not_found', 'too_many_jobs', 'already_merged'] },
      schema: {
        operationId: 'eraseUser',
        summary: 'Erase everything about a user; it cannot be undone, and events from before are rejected from now on',
        tags: ['users'],
        params: userParams,
        body: erasureBody.nullish(),
        response: { 200: erasure, 202: erasure },
      },
    },
    async ({ principal: { tenantId, actor }, params: { user_id: userId }, body }, reply) => {
      const reason = body?.reason === undefined ? null : redact(body.reason);
      const begun = await beginErasure(database.forTenant(tenantId), seal, { tenantId, userId, actor, reason }, clock);
      if (!begun) throw new TidingsError('not_found', 'Nothing is stored of such a user.', { pointer: 'user_id' });
      return reply.status(begun.isNew ? 202 : 200).send(begun.view);
    },
  );

  app.get(
    '/api/v1/erasures/:id',
    {
      config: { scope: 'users:read', errors: ['not_found'] },
      schema: {
        operationId: 'getErasure',
        summary: 'Show how far the erasure of a user has come',
        tags: ['users'],
        params: idParams,
        response: { 200: erasure },
      },
    },
    async ({ principal: { tenantId }, params: { id } }) => {
      const found = z.uuid().safeParse(id).success
        ? await loadErasure(database.forTenant(tenantId), tenantId, { erasureId: id })
        : undefined;
      if (!found) throw new TidingsError('not_found', 'There is no such erasure.');
      return found;
    },
  );
}
