import type { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import type { ReleaseWatch } from '../../model/release.ts';
import { beginRelease, closeRelease, raiseShare, readRelease } from '../../releases/commands.ts';
import { toReleaseView } from '../../releases/views.ts';
import { loadKeptPeriods } from '../../store/metrics/removed-sums.ts';
import { listReleases, noRelease } from '../../store/releases/releases.ts';
import { parseDuration } from '../../time/duration.ts';
import { DAY_MS } from '../../time/iso-time.ts';
import { parseTimestamp } from '../../time/timestamp.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { readIfMatch } from '../if-match.ts';
import { KEPT_METRICS } from '../kept-metrics.ts';
import { idParams } from '../schemas/common.ts';
import {
  endBody,
  release,
  releaseBody,
  releasePage,
  releaseQuery,
  releaseStatus,
  shareBody,
  startedRelease,
} from '../schemas/releases.ts';

const TAGS = ['releases'];
const PATH = '/api/v1/releases';
const MAX_BODY_BYTES = 5 * 1024 * 1024;
const MIN_FINISH_MS: Millis = 60_000;
const MAX_FINISH_MS: Millis = 90 * DAY_MS;

/** Releases: a version of the catalog decides about a share of the users, is watched, and finished or rolled back. */
export function registerReleaseRoutes(app: App, dependencies: HttpDependencies): void {
  const { catalogs, database, seal, clock, metricPeriods: periods = KEPT_METRICS } = dependencies;
  const cursors = new Cursors(seal);
  const loadPeriods = (tenantId: string) => loadKeptPeriods(database.owner, tenantId, periods, clock());
  const toCommand = ({ tenantId, actor }: Principal) => ({ pool: database.owner, catalogs, tenantId, actor, clock });

  app.post(
    PATH,
    {
      bodyLimit: MAX_BODY_BYTES,
      config: {
        scope: 'catalog:write',
        errors: ['not_found', 'invalid_catalog', 'release_under_way', 'outdated'],
      },
      schema: {
        operationId: 'startRelease',
        summary: 'Release a version of the catalog to a share of the users',
        tags: TAGS,
        body: releaseBody,
        response: { 201: startedRelease },
      },
    },
    async (request, reply) => {
      const { principal, operationId, body } = request;
      const { version, files, share, note, watch, finish_after: finishAfter, starts_at: startsAt } = body;
      const started = await beginRelease(toCommand(principal), {
        operationId,
        what: files ? new Map(Object.entries(files)) : (version as number),
        share,
        note: note ?? null,
        watch: watch && toWatch(watch),
        finishAfter: finishAfter === undefined ? null : readFinishAfter(finishAfter),
        startsAt: startsAt === undefined ? null : readStartsAt(startsAt),
        expected: readIfMatch(request),
      });
      return reply.status(201).send(started);
    },
  );

  app.get(
    PATH,
    {
      config: { scope: 'catalog:read' },
      schema: {
        operationId: 'listReleases',
        summary: 'List releases, the latest first; with `state=watching`, the one under way',
        tags: TAGS,
        querystring: releaseQuery,
        response: { 200: releasePage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const found = await listReleases(pool, tenantId, query.limit, before, query.state ?? null);
      return {
        releases: found.map(toReleaseView),
        next: cursors.next(request, found, query.limit, ({ id }) => [id]),
      };
    },
  );

  app.get(
    `${PATH}/:id`,
    {
      config: { scope: 'catalog:read', errors: ['not_found'] },
      schema: {
        operationId: 'getRelease',
        summary: 'Get a release, with the numbers of both versions and what its watch says of them',
        tags: TAGS,
        params: idParams,
        response: { 200: releaseStatus },
      },
    },
    async ({ principal: { tenantId }, params }) => {
      const sources = { pool: database.forTenant(tenantId), periods: await loadPeriods(tenantId) };
      return readRelease(sources, tenantId, requireId(params.id), clock());
    },
  );

  app.post(
    `${PATH}/:id/share`,
    {
      config: { scope: 'catalog:write', errors: ['not_found', 'release_ended', 'release_not_started'] },
      schema: {
        operationId: 'raiseReleaseShare',
        summary: 'Release to a larger share of the users; those who have the version keep it',
        tags: TAGS,
        params: idParams,
        body: shareBody,
        response: { 200: release },
      },
    },
    async ({ principal, params, body }) => raiseShare(toCommand(principal), requireId(params.id), body.share),
  );

  for (const [action, state, operationId, summary] of [
    ['finish', 'finished', 'finishRelease', 'Finish a release: its version becomes the active one of all users'],
    [
      'rollback',
      'rolled_back',
      'rollBackRelease',
      'Roll a release back: the version before decides about all users; or cancel one that is scheduled',
    ],
  ] as const) {
    app.post(
      `${PATH}/:id/${action}`,
      {
        config: { scope: 'catalog:write', errors: ['not_found', 'release_ended', 'release_not_started'] },
        schema: { operationId, summary, tags: TAGS, params: idParams, body: endBody, response: { 200: release } },
      },
      async ({ principal, params, body }) => {
        const kept = await loadPeriods(principal.tenantId);
        return closeRelease(toCommand(principal), kept, requireId(params.id), state, body.reason ?? null);
      },
    );
  }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function requireId(id: string): string {
  if (!UUID.test(id)) throw noRelease();
  return id.toLowerCase();
}

function toWatch(watch: NonNullable<z.infer<typeof releaseBody>['watch']>): ReleaseWatch {
  return {
    minSample: watch.min_sample,
    maxErrorIncrease: watch.max_error_increase,
    maxComplaintIncrease: watch.max_complaint_increase,
    maxUnsubscribeIncrease: watch.max_unsubscribe_increase,
    minVolumeRatio: watch.min_volume_ratio,
    maxVolumeRatio: watch.max_volume_ratio,
  };
}

function readFinishAfter(text: string): Millis {
  const parsed = parseDuration(text);
  if ('message' in parsed) throw invalidTime(`${parsed.message}; ${parsed.hint}`);
  if (parsed.ms < MIN_FINISH_MS || parsed.ms > MAX_FINISH_MS) throw invalidTime('Write a time from 1m to 90d.');
  return parsed.ms;
}

function readStartsAt(text: string): Millis {
  const parsed = parseTimestamp(text);
  if ('problem' in parsed) throw invalidTime(`starts_at ${parsed.problem}.`, '/starts_at');
  return parsed.time;
}

function invalidTime(message: string, pointer = '/finish_after'): TidingsError {
  return new TidingsError('invalid_request', message, { pointer });
}
