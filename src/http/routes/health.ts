import { z } from 'zod';
import type { App, HttpDependencies } from '../app.ts';
import { anyObject, timestamp } from './schemas.ts';

const liveResponse = z.object({ status: z.enum(['live', 'stuck']), stuck: z.array(z.string()).optional() });

const readyResponse = z.object({
  status: z.enum(['ready', 'degraded', 'not_ready', 'starting', 'stopping']),
  checks: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['ok', 'degraded', 'failing']),
      since: timestamp,
      cause: z.string().optional(),
      hint: z.string().optional(),
    }),
  ),
  circuits: z.array(anyObject).optional().describe('Circuits of this process that are not closed'),
});

/** Health for load balancers and operators; see src/health/health.ts. */
export function registerHealthRoutes(app: App, { health }: HttpDependencies): void {
  app.get(
    '/healthz/live',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Check that the process responds, and that its loops make progress; 503: restart it',
        tags: ['health'],
        response: { 200: liveResponse, 503: liveResponse },
      },
    },
    async (_request, reply) => {
      const { status, body } = health.live();
      return reply.status(status).send(body as z.infer<typeof liveResponse>);
    },
  );

  app.get(
    '/healthz/ready',
    {
      config: { scope: 'public' },
      schema: {
        summary:
          'Check that the process should get traffic; 200 with `degraded`: it should, and an operator should look',
        tags: ['health'],
        response: { 200: readyResponse, 503: readyResponse },
      },
    },
    async (_request, reply) => {
      const { status, body } = await health.ready();
      return reply.status(status).send(body as z.infer<typeof readyResponse>);
    },
  );
}
