import { DEFAULT_TENANT } from '../model/event.ts';
import type { App, HttpDependencies } from './app.ts';

/** Health for load balancers and operators. Live: the process responds. Ready: it can accept events. */
export function registerHealthRoutes(app: App, { pool, catalogs, state, ...parts }: HttpDependencies): void {
  app.get('/healthz/live', { schema: { summary: 'Check that the process responds', tags: ['health'] } }, async () => ({
    status: 'live',
  }));

  app.get(
    '/healthz/ready',
    { schema: { summary: 'Check that the process can accept events', tags: ['health'] } },
    async (_request, reply) => {
      const database = await checkDatabase();
      const ready = database === 'ok' && !state.starting && !state.stopping;
      // An outage of a provider is no reason to send no events here: it is reported, and changes no status.
      const circuits = state.openCircuits?.() ?? [];
      return reply.status(ready ? 200 : 503).send({
        status: ready ? 'ready' : state.stopping ? 'stopping' : state.starting ? 'starting' : 'not ready',
        parts: {
          database,
          catalog: await checkCatalog(),
          ...(state.clock && { clock: state.clock() }),
          ...state.workers(),
        },
        ...(circuits.length === 0 ? {} : { circuits }),
      });
    },
  );

  function checkDatabase(): Promise<'ok' | 'unreachable'> {
    const { checkDatabase: check = () => pool.query('select 1') } = parts;
    return check().then(
      () => 'ok',
      () => 'unreachable',
    );
  }

  function checkCatalog(): Promise<'ok' | 'none applied' | 'unknown'> {
    return catalogs.getActive(DEFAULT_TENANT).then(
      ({ version }) => (version > 0 ? 'ok' : 'none applied'),
      () => 'unknown',
    );
  }
}
