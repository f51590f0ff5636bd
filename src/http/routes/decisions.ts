import type { Millis } from '../../model/event.ts';
import { loadRecentDecisions } from '../../store/recent-decisions.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { recentDecisions, recentDecisionsQuery } from '../schemas/decisions.ts';

/** Time (ms) before now that the list looks back, at most. */
const MAX_LOOK_BACK_MS: Millis = 600_000;

export function registerDecisionRoutes(app: App, { database, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/decisions',
    {
      config: { scope: 'decisions:read' },
      schema: {
        operationId: 'listRecentDecisions',
        summary: 'List the latest decisions, newest first, to follow them live',
        description:
          'Looks back 10 minutes at most. A transaction that is under way can add decisions before `as_of`: to miss none, ask ' +
          'again with a `since` some seconds before it, and leave out each decision_id that you know.',
        tags: ['explain'],
        querystring: recentDecisionsQuery,
        response: { 200: recentDecisions },
      },
    },
    async ({ principal, query }) => {
      const now = clock();
      const { limit, since, user_id: userId, rule } = query;
      const from = Math.max(now - MAX_LOOK_BACK_MS, since === undefined ? 0 : Date.parse(since));
      const { decisions, more } = await loadRecentDecisions(database.forTenant(principal.tenantId), {
        tenantId: principal.tenantId,
        since: from,
        userId,
        rule,
        limit,
      });
      return { decisions, has_more: more, as_of: isoTime(now) };
    },
  );
}
