import { z } from 'zod';
import { explainNotification } from '../../explain/explain.ts';
import { ANSWERS } from '../../model/answer.ts';
import type { App, HttpDependencies } from '../app.ts';
import { pathText, problemSchema } from './schemas.ts';

const explanation = z.looseObject({
  user_id: z.string(),
  notification_type: z.string(),
  answer: z.enum(ANSWERS).describe('Outcome of the latest decision to send the notification'),
  paragraph: z.string().describe('The explanation in sentences that can be read aloud'),
});

export function registerExplainRoutes(app: App, dependencies: HttpDependencies): void {
  app.get(
    '/api/v1/explain/:user_id/:notification_type',
    {
      config: { scope: 'decisions:read' },
      schema: {
        summary: 'Explain why a user did, or did not, get a notification',
        tags: ['explain'],
        params: z.object({ user_id: pathText, notification_type: pathText }),
        response: { 200: explanation, '4xx': problemSchema },
      },
    },
    ({ principal, params }) =>
      explainNotification(
        { ...dependencies, pool: dependencies.database.forTenant(principal.tenantId) },
        principal.tenantId,
        params.user_id,
        params.notification_type,
      ),
  );
}
