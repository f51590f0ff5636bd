import { z } from 'zod';
import type { Millis } from '../../model/event.ts';
import { loadRecentDecisions } from '../../store/recent-decisions.ts';
import { isoTime } from '../../time/iso-time.ts';
import type { App, HttpDependencies } from '../app.ts';
import { decisionSummary, limitQuery, pathText, problemSchema, timestamp } from './schemas.ts';

/** Time (ms) before now that the list looks back, at most. */
const MAX_LOOK_BACK_MS: Millis = 600_000;

const recentDecision = decisionSummary.extend({ decided_at: timestamp, user_id: z.string(), event_type: z.string() });

export function registerDecisionRoutes(app: App, { database, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/decisions',
    {
      config: { scope: 'decisions:read' },
      schema: {
        summary: 'List the latest decisions, newest first, to follow them live',
        description:
          'Looks back 10 minutes at most. A transaction that is under way can add decisions before `as_of`: to miss none, ask ' +
          'again with a `since` some seconds before it, and leave out each decision_id that you know.',
        tags: ['explain'],
        querystring: z.strictObject({
          limit: limitQuery.describe('Most events, and most ended waits, whose decisions are listed'),
          since: z.iso
            .datetime({ offset: true, message: 'write a time such as 2025-10-31T19:00:00Z' })
            .optional()
            .describe('Only decisions made after this time; default: 10 minutes ago'),
          user_id: pathText.optional(),
          rule: pathText.optional(),
        }),
        response: {
          200: z.object({
            decisions: z.array(recentDecision).readonly(),
            has_more: z.boolean().describe('There are further ones before these'),
            as_of: timestamp.describe('The time of the list'),
          }),
          '4xx': problemSchema,
        },
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
