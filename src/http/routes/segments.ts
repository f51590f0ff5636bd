import type { Pool } from 'pg';
import {
  compileAsked,
  listSegment,
  requireSegment,
  type SegmentQuestion,
  sampleSegment,
} from '../../notify/segments/segments.ts';
import { loadAddressMasks } from '../../store/segment-users.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import {
  previewBody,
  segmentPage,
  segmentParams,
  segmentPreview,
  segmentQuery,
  segmentUsers,
} from '../schemas/segments.ts';

const PATH = '/api/v1/segments';
const TAGS = ['lists'];

/** Users that one page of a segment looks at, at most: it may be short. */
const MAX_EXAMINED = 5000;
/** Users that a preview shows. */
const SHOWN_USERS = 20;

/** Segments: what the catalog names them, and who is in them. They are changed with the catalog. */
export function registerSegmentRoutes(app: App, { database, catalogs, seal, clock }: HttpDependencies): void {
  const cursors = new Cursors(seal);

  app.get(
    PATH,
    {
      config: { scope: 'lists:read' },
      schema: {
        operationId: 'listSegments',
        summary: 'List the segments of the active catalog',
        tags: TAGS,
        response: { 200: segmentPage },
      },
    },
    async ({ principal: { tenantId } }) => {
      const { version, data } = await catalogs.getActive(tenantId);
      const segments = (data.segments ?? []).map(({ name, description = null, condition }) => ({
        name,
        description,
        condition,
        rules: data.rules.filter((rule) => rule.segment === name).map((rule) => rule.name),
      }));
      return { catalog_version: version, segments };
    },
  );

  app.get(
    `${PATH}/:name/users`,
    {
      config: { scope: 'lists:read', errors: ['not_found'] },
      schema: {
        operationId: 'listSegmentUsers',
        summary: 'List the users who are in a segment now',
        tags: TAGS,
        params: segmentParams,
        querystring: segmentQuery,
        response: { 200: segmentUsers },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const { condition } = await requireSegment(catalogs, tenantId, params.name, 'name');
      const question: SegmentQuestion = { tenantId, condition, now: clock() };
      const after = cursors.read(request, ['text'])?.[0] ?? '';
      const bounds = { after, limit: query.limit, maxExamined: MAX_EXAMINED };
      const page = await listSegment({ pool, seal }, question, bounds);
      return {
        users: await show(pool, tenantId, page.userIds),
        examined: page.examined,
        next: page.after === null ? null : cursors.write(request, [page.after]),
      };
    },
  );

  app.post(
    `${PATH}/preview`,
    {
      config: { scope: 'lists:read', idempotent: false, errors: ['not_found', 'invalid_condition'] },
      schema: {
        operationId: 'previewSegment',
        summary: 'Say how many users a segment, or a condition that is no segment yet, is true for',
        tags: TAGS,
        body: previewBody,
        response: { 200: segmentPreview },
      },
    },
    async ({ principal: { tenantId }, body }, reply) => {
      const { condition, version } =
        'segment' in body
          ? await requireSegment(catalogs, tenantId, body.segment, '/segment')
          : await compileAsked(catalogs, tenantId, body.condition, '/condition');
      const question = { tenantId, condition, now: clock() };
      const read = await database.readsOf(tenantId).lagging(async (pool) => {
        const found = await sampleSegment({ pool, seal }, question);
        return { found, sample: await show(pool, tenantId, found.matching.slice(0, SHOWN_USERS)) };
      });
      const { found, sample } = answerAsOf(reply, read);
      return {
        condition: condition.text,
        catalog_version: version,
        users: found.users,
        examined: found.examined,
        count: found.count,
        exact: found.examined >= found.users,
        sample,
      };
    },
  );

  async function show(pool: Pool, tenantId: string, userIds: readonly string[]) {
    const masks = await loadAddressMasks(pool, tenantId, userIds);
    return userIds.map((user_id) => ({ user_id, addresses: masks.get(user_id) ?? {} }));
  }
}
