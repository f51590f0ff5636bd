import { PUBLIC_URL_HEADER } from '../../model/public-url.ts';
import type { App, HttpDependencies } from '../app.ts';
import { type Liveness, liveness, type Readiness, readiness } from '../schemas/health.ts';
import { listDisagreeing } from '../shown-url.ts';

/** Health for load balancers and operators; see src/health/health.ts. */
export function registerHealthRoutes(app: App, { health, publicUrl }: HttpDependencies): void {
  const shouldBe = publicUrl === null ? undefined : new URL(publicUrl);

  app.get(
    '/healthz/live',
    {
      config: { scope: 'public' },
      schema: {
        operationId: 'checkLiveness',
        summary: 'Check that the process responds, and that its loops make progress; 503: restart it',
        tags: ['health'],
        response: { 200: liveness, 503: liveness },
      },
    },
    async (request, reply) => {
      const { status, body } = health.live();
      if (shouldBe) {
        const disagreeing = listDisagreeing(request.headers, shouldBe);
        void reply.header(PUBLIC_URL_HEADER, disagreeing.length === 0 ? 'agrees' : disagreeing.join(', '));
      }
      return reply.status(status).send(body as Liveness);
    },
  );

  app.get(
    '/healthz/ready',
    {
      config: { scope: 'public' },
      schema: {
        operationId: 'checkReadiness',
        summary:
          'Check that the process should get traffic; 200 with `degraded`: it should, and an operator should look',
        tags: ['health'],
        response: { 200: readiness, 503: readiness },
      },
    },
    async (_request, reply) => {
      const { status, body } = await health.ready();
      return reply.status(status).send(body as Readiness);
    },
  );
}
