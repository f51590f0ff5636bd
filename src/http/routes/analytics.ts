import type { FastifyReply } from 'fastify';
import {
  type MetricParts,
  type MetricQuery,
  type MetricSpan,
  readGroups,
  readSeries,
  readSummary,
} from '../../analytics/read-metrics.ts';
import type { Channel } from '../../model/delivery.ts';
import { isoTime } from '../../time/iso-time.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { KEPT_METRICS } from '../kept-metrics.ts';
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
  { database, clock, metricPeriods = KEPT_METRICS }: HttpDependencies,
): void {
  /** Reads from the replica if there is one; what it does not have yet is not counted. */
  const read = async <T extends MetricSpan>(
    { tenantId }: { readonly tenantId: string },
    reply: FastifyReply,
    work: (parts: MetricParts) => Promise<T>,
  ): Promise<T> => {
    const found = await database
      .readsOf(tenantId)
      .lagging((pool) => work({ pool, now: clock(), periods: metricPeriods }));
    const value = answerAsOf(reply, found);
    return found.asOf === null ? value : { ...value, asOf: Math.min(value.asOf, found.asOf) };
  };
  app.get(
    '/api/v1/metrics/summary',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricSummary',
        summary: 'Sum up what was decided, sent, delivered and opened in a span of time',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: metricSummary },
      },
    },
    async ({ principal, query }, reply) => {
      const { values, costs, ...span } = await read(principal, reply, (parts) =>
        readSummary(parts, toQuery(principal, query)),
      );
      return { ...toSpan(span), metrics: values, costs };
    },
  );
  app.get(
    '/api/v1/metrics/channels',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getChannelMetrics',
        summary: 'Compare channels: errors, time of delivery, rates and cost',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: channelMetrics },
      },
    },
    async ({ principal, query }, reply) => {
      const found = await read(principal, reply, (parts) => readGroups(parts, toQuery(principal, query), 'channel'));
      const channels = found.groups.map(({ key, values, costs }) => ({
        channel: key as Channel,
        metrics: values,
        costs,
      }));
      return { ...toSpan(found), channels };
    },
  );
  app.get(
    '/api/v1/metrics/groups',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricGroups',
        summary: 'Compare notification types, provider accounts, locales, variants, catalog versions, rules or events',
        tags: ['metrics'],
        querystring: metricGroupQuery,
        response: { 200: metricGroups },
      },
    },
    async ({ principal, query: { by, ...query } }, reply) => {
      const found = await read(principal, reply, (parts) => readGroups(parts, toQuery(principal, query), by));
      const groups = found.groups.map(({ key, values }) => ({ key, metrics: values }));
      return { ...toSpan(found), by, groups, has_more: found.hasMore };
    },
  );
  app.get(
    '/api/v1/metrics/series',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricSeries',
        summary: 'Show what was decided, sent, delivered and opened over time',
        tags: ['metrics'],
        querystring: metricSeriesQuery,
        response: { 200: metricSeries },
      },
    },
    async ({ principal, query: { grain, ...query } }, reply) => {
      const found = await read(principal, reply, (parts) => readSeries(parts, toQuery(principal, query), grain));
      const points = found.points.map(({ at, values }) => ({ at: isoTime(at), metrics: values }));
      const markers = found.markers.map(({ at, releaseId, ...marker }) => ({
        ...marker,
        at: isoTime(at),
        release_id: releaseId,
      }));
      return { ...toSpan(found), grain: found.grain, points, markers };
    },
  );
  app.get(
    '/api/v1/metrics/reasons',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getMetricReasons',
        summary: 'Show how many messages each reason held back',
        tags: ['metrics'],
        querystring: metricSummaryQuery,
        response: { 200: metricReasons },
      },
    },
    async ({ principal, query }, reply) => {
      const found = await read(principal, reply, (parts) => readGroups(parts, toQuery(principal, query), 'reason'));
      const reasons = found.groups
        .map(({ key: code, values: { held, dropped, undeliverable, dead, in_doubt, cancelled } }) => ({
          ...{ code, held, dropped, undeliverable, dead, in_doubt, cancelled },
        }))
        .sort((one, other) => countStopped(other) - countStopped(one));
      return { ...toSpan(found), reasons, has_more: found.hasMore };
    },
  );
}

function countStopped(one: {
  readonly held: number;
  readonly dropped: number;
  readonly undeliverable: number;
  readonly dead: number;
}): number {
  return one.held + one.dropped + one.undeliverable + one.dead;
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

function toSpan({ from, to, asOf }: MetricSpan): {
  readonly from: string;
  readonly to: string;
  readonly as_of: string;
} {
  return { from: isoTime(from), to: isoTime(to), as_of: isoTime(asOf) };
}
