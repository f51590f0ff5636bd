import { TidingsError } from '../../errors.ts';
import type { App, HttpDependencies } from '../app.ts';

/** The metrics of this process for Prometheus, of all tenants: for keys of the installation with their scope. See docs/metrics.md. */
export function registerMetricsRoute(app: App, { writeMetrics }: HttpDependencies): void {
  app.get(
    '/metrics',
    {
      config: { scope: 'metrics:read', errors: ['not_found'] },
      schema: {
        hide: true,
        operationId: 'readMetrics',
        summary: 'Read the metrics of this process, in the text format of Prometheus',
        tags: ['health'],
      },
    },
    async (_request, reply) => {
      if (!writeMetrics)
        throw new TidingsError('not_found', 'This process has no metrics: start it with TIDINGS_METRICS=true.');
      const { type, text } = await writeMetrics();
      return reply.header('cache-control', 'no-store').type(type).send(text);
    },
  );
}
