import type { App, HttpDependencies } from '../app.ts';
import { mergeBody, userMerge } from '../schemas/user-merge.ts';
import { userParams } from '../schemas/user-requests.ts';

/** The merge of two users into one. */
export function registerUserMergeRoutes(app: App, { pipeline }: Pick<HttpDependencies, 'pipeline'>): void {
  app.post(
    '/api/v1/users/:user_id/merge',
    {
      config: {
        scope: 'users:write',
        errors: ['not_found', 'already_merged', 'too_much_to_merge', 'too_many_addresses', 'not_readable'],
      },
      schema: {
        operationId: 'mergeUser',
        summary:
          'Merge a user into another: what is open, and later events of the id, go to the survivor; it cannot be undone',
        tags: ['users'],
        params: userParams,
        body: mergeBody,
        response: { 200: userMerge },
      },
    },
    ({ principal: { tenantId, actor }, params: { user_id: userId }, body: { into } }) =>
      pipeline.mergeUsers({ tenantId, userId, into, actor }),
  );
}
