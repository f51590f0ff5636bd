import { DEFAULT_TENANT } from '../model/event.ts';
import type { App, HttpDependencies } from './app.ts';

/** For load balancers and people. Live: the process answers. Ready: it can take events. */
export function healthRoutes(app: App, { pool, catalogs, state }: HttpDependencies): void {
  app.get('/healthz/live', { schema: { summary: 'The process is alive', tags: ['health'] } }, async () => ({
    status: 'live',
  }));

  app.get(
    '/healthz/ready',
    { schema: { summary: 'Events can be taken in', tags: ['health'] } },
    async (_request, reply) => {
      const database = await pool.query('select 1').then(
        () => 'ok' as const,
        () => 'unreachable' as const,
      );
      const catalog = await catalogs.active(DEFAULT_TENANT).then(
        ({ version }) => (version > 0 ? 'ok' : 'none applied'),
        () => 'unknown',
      );
      const ready = database === 'ok' && !state.stopping;
      return reply.status(ready ? 200 : 503).send({
        status: ready ? 'ready' : state.stopping ? 'stopping' : 'not ready',
        parts: { database, catalog, ...state.workers() },
      });
    },
  );
}
