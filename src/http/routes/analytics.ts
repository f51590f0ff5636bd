import type { FastifyReply } from 'fastify';
import { listHeldUsers } from '../../analytics/held-users.ts';
import { readAnomalies } from '../../analytics/read-anomalies.ts';
import type { MetricParts, MetricQuery } from '../../analytics/read-metrics.ts';
import type { HeldSource } from '../../store/metrics/find-held.ts';
import { loadKeptPeriods } from '../../store/metrics/removed-sums.ts';
import { isoTime } from '../../time/iso-time.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { CSV } from '../csv.ts';
import { Cursors } from '../cursor.ts';
import { formatRows, requireParameters, TO_ROWS } from '../export-metrics.ts';
import { KEPT_METRICS } from '../kept-metrics.ts';
import {
  viewAnomalies,
  viewChannels,
  viewExperiments,
  viewFunnel,
  viewGroups,
  viewReasons,
  viewSeries,
  viewSpan,
  viewSummary,
} from '../metric-views.ts';
import { NDJSON } from '../ndjson.ts';
import { rejectEmptyFilters } from '../reject-empty-filters.ts';
import { requireKnownType } from '../require-known-type.ts';
import {
  anomalyQuery,
  experimentQuery,
  experimentResults,
  heldUserPage,
  heldUserQuery,
  metricAnomalies,
  metricExport,
  metricExportQuery,
  metricFunnel,
} from '../schemas/metric-findings.ts';
import {
  channelMetrics,
  metricGroupQuery,
  metricGroups,
  metricReasons,
  metricSeries,
  metricSeriesQuery,
  metricSummary,
  metricSummaryQuery,
} from '../schemas/metrics.ts';

/** Routes for metrics: sums over time of what was decided, sent and reported. */
export function registerMetricRoutes(
  app: App,
  { database, catalogs, seal, clock, metricPeriods = KEPT_METRICS }: HttpDependencies,
): void {
  const cursors = new Cursors(seal);
  /** Reads from the replica if there is one; what it does not have yet is not counted. @param type that is asked for */
  const read = async <T extends { readonly as_of: string }>(
    { tenantId }: { readonly tenantId: string },
    reply: FastifyReply,
    type: string | undefined,
    work: (parts: MetricParts) => Promise<T>,
  ): Promise<T> => {
    const now = clock();
    const periods = await loadKeptPeriods(database.owner, tenantId, metricPeriods, now);
    const found = await database.readsOf(tenantId).lagging(async (pool) => {
      await requireKnownType(pool, catalogs, tenantId, type);
      return work({ pool, now, periods });
    });
    const value = answerAsOf(reply, found);
    if (found.asOf === null || Date.parse(value.as_of) <= found.asOf) return value;
    return { ...value, as_of: isoTime(found.asOf) };
  };
  const listExperiments = async ({ tenantId }: { readonly tenantId: string }) => {
    const { goals } = await catalogs.getActive(tenantId);
    return [...(goals?.experiments.values() ?? [])];
  };
  app.get(
    '/api/v1/metrics/summary',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricSummary',
        summary: 'Sum up what was decided, sent, delivered and opened in a span of time',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: metricSummary },
      },
    },
    ({ principal, query }, reply) =>
      read(principal, reply, query.type, (parts) => viewSummary(parts, toQuery(principal, query))),
  );
  app.get(
    '/api/v1/metrics/channels',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getChannelMetrics',
        summary: 'Compare channels: errors, time of delivery, rates and cost',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: channelMetrics },
      },
    },
    ({ principal, query }, reply) =>
      read(principal, reply, query.type, (parts) => viewChannels(parts, toQuery(principal, query))),
  );
  app.get(
    '/api/v1/metrics/groups',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricGroups',
        summary: 'Compare notification types, provider accounts, locales, variants, catalog versions, rules or events',
        tags: ['metrics'],
        querystring: metricGroupQuery,
        response: { 200: metricGroups },
      },
    },
    ({ principal, query: { by, trend, ...query } }, reply) =>
      read(principal, reply, query.type, (parts) => viewGroups(parts, toQuery(principal, query), by, trend)),
  );
  app.get(
    '/api/v1/metrics/series',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricSeries',
        summary: 'Show what was decided, sent, delivered and opened over time',
        tags: ['metrics'],
        querystring: metricSeriesQuery,
        response: { 200: metricSeries },
      },
    },
    ({ principal, query: { grain, ...query } }, reply) =>
      read(principal, reply, query.type, (parts) => viewSeries(parts, toQuery(principal, query), grain)),
  );
  app.get(
    '/api/v1/metrics/reasons',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricReasons',
        summary: 'Show how many messages each reason held back',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: metricReasons },
      },
    },
    ({ principal, query }, reply) =>
      read(principal, reply, query.type, (parts) => viewReasons(parts, toQuery(principal, query))),
  );
  app.get(
    '/api/v1/metrics/reasons/users',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'listHeldUsers',
        summary:
          'List the users that a reason held something back from, with the decision or message; pages may be short',
        tags: ['metrics'],
        querystring: heldUserQuery,
        response: { 200: heldUserPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { limit, after: _, reason, type, ...span } = query;
      const cursor = cursors.read(request, ['text', 'number', 'uuid']);
      const after = cursor && { source: cursor[0] as HeldSource, at: cursor[1], id: cursor[2] };
      const pool = database.forTenant(principal.tenantId);
      await requireKnownType(pool, catalogs, principal.tenantId, type);
      const parts = { pool, now: clock(), periods: metricPeriods };
      const asked = { ...toQuery(principal, span), reason, type: type ?? null };
      const { users, next, ...found } = await listHeldUsers(parts, asked, limit, after);
      return {
        ...viewSpan(found),
        users: users.map(({ id: __, at, ...user }) => ({ ...user, at: isoTime(at) })),
        next: next && cursors.write(request, [next.source, next.at, next.id]),
      };
    },
  );
  app.get(
    '/api/v1/metrics/funnel',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricFunnel',
        summary: 'Show how many came from the decision to the goal: decided, planned, sent, delivered, opened, clicked',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: metricFunnel },
      },
    },
    ({ principal, query }, reply) =>
      read(principal, reply, query.type, (parts) => viewFunnel(parts, toQuery(principal, query))),
  );
  app.get(
    '/api/v1/metrics/experiments',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getExperiments',
        summary: 'Compare the variants of rules that divide their users, by the goal, with intervals',
        tags: ['metrics'],
        querystring: experimentQuery,
        response: { 200: experimentResults },
      },
    },
    async ({ principal, query }, reply) => {
      const known = await listExperiments(principal);
      return read(principal, reply, undefined, (parts) => viewExperiments(parts, toQuery(principal, query), known));
    },
  );
  app.get(
    '/api/v1/metrics/anomalies',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getAnomalies',
        summary: 'List types of notifications and events that are quiet, or have three times their usual volume',
        tags: ['metrics'],
        querystring: anomalyQuery,
        response: { 200: metricAnomalies },
      },
    },
    async ({ principal }, reply) =>
      read(principal, reply, undefined, async (parts) => viewAnomalies(await readAnomalies(parts, principal.tenantId))),
  );
  app.get(
    '/api/v1/metrics/export',
    {
      preValidation: rejectEmptyFilters,
      config: { scope: 'deliveries:read', mediaType: CSV, otherMediaType: NDJSON },
      schema: {
        operationId: 'exportMetrics',
        summary: 'Export an answer of the metrics as CSV or NDJSON: a line for each thing that it lists',
        tags: ['metrics'],
        querystring: metricExportQuery,
        response: { 200: metricExport },
      },
    },
    async ({ principal, query: { view, format, by, grain, ...query } }, reply) => {
      requireParameters(view, { ...query, by, grain });
      const asked = toQuery(principal, query);
      const known = view === 'experiments' ? await listExperiments(principal) : [];
      const exported = await read(principal, reply, query.type, async (parts) => {
        switch (view) {
          case 'summary':
            return withRows(await viewSummary(parts, asked), TO_ROWS.summary);
          case 'channels':
            return withRows(await viewChannels(parts, asked), TO_ROWS.channels);
          case 'groups':
            return withRows(await viewGroups(parts, asked, by ?? 'type'), TO_ROWS.groups);
          case 'series':
            return withRows(await viewSeries(parts, asked, grain), TO_ROWS.series);
          case 'reasons':
            return withRows(await viewReasons(parts, asked), TO_ROWS.reasons);
          case 'funnel':
            return withRows(await viewFunnel(parts, asked), TO_ROWS.funnel);
          case 'experiments':
            return withRows(await viewExperiments(parts, asked, known), TO_ROWS.experiments);
          case 'anomalies':
            return withRows(viewAnomalies(await readAnomalies(parts, principal.tenantId)), TO_ROWS.anomalies);
        }
      });
      return reply
        .type(format === 'csv' ? `${CSV}; charset=utf-8` : NDJSON)
        .send(formatRows(format, view, exported.rows));
    },
  );
}

type Given = Omit<MetricQuery, 'tenantId' | 'from' | 'to'> & { readonly from?: string; readonly to?: string };

function toQuery(
  { tenantId }: { readonly tenantId: string },
  { from, to, ...filter }: { readonly [K in keyof Given]: Given[K] | undefined },
): MetricQuery {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return {
    tenantId,
    ...(Object.fromEntries(given) as Omit<MetricQuery, 'tenantId'>),
    ...(from === undefined ? {} : { from: Date.parse(from) }),
    ...(to === undefined ? {} : { to: Date.parse(to) }),
  };
}

/** Returns what an export has of an answer. */
function withRows<T extends { readonly as_of: string }, R>(body: T, toRows: (body: T) => R) {
  return { as_of: body.as_of, rows: toRows(body) };
}
