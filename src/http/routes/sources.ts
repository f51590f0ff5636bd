import { TidingsError } from '../../errors.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { listOffsets, loadPausedSources, setSourcePaused } from '../../store/kafka-offsets.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import type { App, HttpDependencies } from '../app.ts';
import { sourcePage, sourceParams, sourceState } from '../schemas/sources.ts';
import { findSourceCause, KAFKA_NOT_CONFIGURED } from '../source-cause.ts';

const PATH = '/api/v1/sources';
const TAGS = ['sources'];

/** Sources: what the catalog names them, how far they are read, and their pauses. They are changed with the catalog. */
export function registerSourceRoutes(app: App, { database, catalogs, clock, kafka }: HttpDependencies): void {
  app.get(
    PATH,
    {
      config: { scope: 'rejected:read' },
      schema: {
        operationId: 'listSources',
        summary: 'List the Kafka topics that the active catalog reads, and how far',
        tags: TAGS,
        response: { 200: sourcePage },
      },
    },
    async ({ principal: { tenantId } }) => {
      const pool = database.forTenant(tenantId);
      const { version, data } = await catalogs.getActive(tenantId);
      const sources = data.sources ?? [];
      const paused = sources.length === 0 ? new Map<string, string>() : await loadPausedSources(pool, [tenantId]);
      const offsets = sources.length === 0 ? [] : await listOffsets(pool, tenantId);
      return {
        catalog_version: version,
        sources: sources.map((one) => {
          const { name, description = null, topic, format } = one;
          const pausedAt = paused.get(`${tenantId}\n${name}`) ?? null;
          const cause = findSourceCause(kafka, tenantId, one);
          const partitions = offsets.filter((offset) => offset.topic === topic).map(({ topic: _, ...rest }) => rest);
          const lags = partitions.flatMap(({ lag }) => (lag === null ? [] : [lag]));
          return {
            name,
            description,
            topic,
            format,
            state: toState(cause, pausedAt),
            cause,
            paused_at: pausedAt,
            lag: lags.length === 0 ? null : lags.reduce((sum, lag) => sum + lag, 0),
            partitions,
          };
        }),
      };
    },
  );

  for (const isPaused of [true, false]) {
    const verb = isPaused ? 'pause' : 'resume';
    app.post(
      `${PATH}/:name/${verb}`,
      {
        config: { scope: 'rejected:write', errors: ['not_found'] },
        schema: {
          operationId: `${verb}Source`,
          summary: isPaused ? 'Stop reading a topic, within seconds; its messages wait' : 'Read a paused topic again',
          tags: TAGS,
          params: sourceParams,
          response: { 200: sourceState },
        },
      },
      async ({ principal: { tenantId, actor }, params: { name } }) => {
        const { data } = await catalogs.getActive(tenantId);
        const isKnown = data.sources?.some((one) => one.name === name) ?? false;
        if (!isKnown && isPaused) throw new TidingsError('not_found', 'The active catalog has no such source.');
        const now = clock();
        const changed = await withTransaction(database.forTenant(tenantId), async (connection) => {
          const isChanged = await setSourcePaused(connection, tenantId, name, isPaused, now);
          const action = isPaused ? 'source.paused' : 'source.resumed';
          const states = { before: { paused: !isPaused }, after: { paused: isPaused } };
          const entry = { tenantId, actor, action, subject: name, detail: {}, ...states };
          if (isChanged) await appendAuditEntry(connection, entry, now);
          return isChanged;
        });
        if (!isKnown && !changed) throw new TidingsError('not_found', 'There is no such source, and no pause of it.');
        return { name, paused: isPaused, changed };
      },
    );
  }
}

function toState(
  cause: string | null,
  pausedAt: string | null,
): 'reading' | 'paused' | 'not_allowed' | 'not_configured' {
  if (cause === KAFKA_NOT_CONFIGURED) return 'not_configured';
  if (cause !== null) return 'not_allowed';
  return pausedAt === null ? 'reading' : 'paused';
}
