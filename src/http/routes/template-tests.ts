import { resolveTemplate } from '../../authoring/resolve.ts';
import { judgeTest } from '../../authoring/results.ts';
import { startTest, stopTest } from '../../authoring/tests.ts';
import { TidingsError } from '../../errors.ts';
import type { Millis } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import { countVariants, loadLatestTest, type TestGoal, type TestRow } from '../../store/templates/tests.ts';
import { parseDuration } from '../../time/duration.ts';
import { formatDuration } from '../../time/format-duration.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { templateParams } from '../schemas/stored-templates.ts';
import { newTest, testEnd, testResults, variantTest } from '../schemas/template-tests.ts';

const TAGS = ['templates'];
const PATH = '/api/v1/templates/:id/variants';
const MAX_GOAL_MS: Millis = 90 * 24 * 3_600_000;
const MIN_GOAL_MS: Millis = 60_000;

/** Tests of the variants of a template: those of its notification and channel, whichever template the path names. */
export function registerTemplateTestRoutes(app: App, { catalogs, database, clock }: HttpDependencies): void {
  const toCommand = ({ tenantId, actor }: Principal) => ({ pool: database.owner, catalogs, tenantId, actor, clock });

  app.put(
    PATH,
    {
      config: {
        scope: 'templates:write',
        errors: ['not_found', 'managed_by_files', 'invalid_template', 'outdated', 'release_under_way'],
      },
      schema: {
        operationId: 'startVariantTest',
        summary: 'Begin a test of the variants of a template; another one that is under way ends',
        tags: TAGS,
        params: templateParams,
        body: newTest,
        response: { 200: variantTest },
      },
    },
    async ({ principal, params, body, operationId }) => {
      const { shares, metric, goal, planned_users: plannedUsers } = body;
      const posted = { id: operationId, shares, metric, goal: goal ? readGoal(goal) : null, plannedUsers };
      return toTestView(await startTest(toCommand(principal), await findPlace(principal, params.id), posted));
    },
  );

  app.delete(
    PATH,
    {
      config: { scope: 'templates:write', errors: ['not_found', 'managed_by_files', 'outdated', 'release_under_way'] },
      schema: {
        operationId: 'endVariantTest',
        summary: 'End the test of a template: all users are shown that without a variant',
        tags: TAGS,
        params: templateParams,
        response: { 200: testEnd },
      },
    },
    async ({ principal, params }) => {
      return { ended: await stopTest(toCommand(principal), await findPlace(principal, params.id)) };
    },
  );

  app.get(
    `${PATH}/results`,
    {
      config: { scope: 'templates:read', errors: ['not_found'] },
      schema: {
        operationId: 'getVariantTestResults',
        summary: 'Show the latest test of a template, and what became of the users of each variant',
        tags: TAGS,
        params: templateParams,
        response: { 200: testResults },
      },
    },
    async ({ principal, params }, reply) => {
      const { tenantId } = principal;
      const pool = database.forTenant(tenantId);
      const { notificationType, channel } = await findPlace(principal, params.id);
      const test = await loadLatestTest(pool, tenantId, notificationType, channel);
      if (!test) throw new TidingsError('not_found', `${notificationType} has had no test of variants by ${channel}.`);
      const read = await database.readsOf(tenantId).lagging((rows) => countVariants(rows, tenantId, test));
      const { counts, isCut } = answerAsOf(reply, read);
      const { sampleRatioProbability, ...judged } = judgeTest(test, counts);
      return { ...toTestView(test), ...judged, sample_ratio_probability: sampleRatioProbability, is_cut: isCut };
    },
  );

  async function findPlace({ tenantId }: Principal, id: string) {
    return (await resolveTemplate(database.forTenant(tenantId), tenantId, id)).row;
  }
}

function readGoal({ event, within }: { readonly event: string; readonly within: string }): TestGoal {
  const parsed = parseDuration(within);
  if ('ms' in parsed && parsed.ms >= MIN_GOAL_MS && parsed.ms <= MAX_GOAL_MS) return { event, within: parsed.ms };
  throw new TidingsError('invalid_request', 'goal.within must be a duration from 1m to 90d, such as 7d.', {
    pointer: '/goal/within',
  });
}

function toTestView(test: TestRow) {
  return {
    test_id: test.id,
    type: test.notificationType,
    channel: test.channel,
    shares: test.shares,
    metric: test.metric,
    goal: test.goal && { event: test.goal.event, within: formatDuration(test.goal.within) },
    planned_users: test.plannedUsers,
    started_at: isoTime(test.startedAt),
    ended_at: isoTimeOrNull(test.endedAt),
  };
}
