import { TidingsError } from '../../errors.ts';
import { findNearest } from '../../lib/text/did-you-mean.ts';
import { COST_GROUPS, type CostGroup, MAX_COST_DAYS, MAX_COST_ROWS, summarizeCosts } from '../../store/costs.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { answerAsOf } from '../answer-as-of.ts';
import type { App, HttpDependencies } from '../app.ts';
import { costQuery, costSummary } from '../schemas/costs.ts';

/** Days that a summary covers when it does not say. */
const DEFAULT_DAYS = 31;

/** Routes for what messages cost. */
export function registerCostRoutes(app: App, { database, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/costs',
    {
      config: { scope: 'deliveries:read' },
      schema: {
        operationId: 'getCosts',
        summary: 'Sum up what messages cost, by day, channel, provider, account and notification type',
        tags: ['deliveries'],
        querystring: costQuery,
        response: { 200: costSummary },
      },
    },
    async ({ principal, query }, reply) => {
      const { tenantId } = principal;
      const last = Date.parse(query.to ?? isoTime(clock()).slice(0, 10));
      const from = query.from === undefined ? last - (DEFAULT_DAYS - 1) * DAY_MS : Date.parse(query.from);
      if (from > last) throw invalid('from', 'The first day is after the last one.');
      if (last - from >= MAX_COST_DAYS * DAY_MS)
        throw invalid('from', `A summary covers at most ${MAX_COST_DAYS} days; ask for less.`);
      const by = parseGroups(query.by);
      const asked = { tenantId, from, to: last + DAY_MS, by };
      const read = await database.readsOf(tenantId).lagging((pool) => summarizeCosts(pool, asked));
      const costs = answerAsOf(reply, read);
      return {
        from: isoTime(from).slice(0, 10),
        to: isoTime(last).slice(0, 10),
        costs,
        has_more: costs.length === MAX_COST_ROWS,
      };
    },
  );
}

function parseGroups(text: string): CostGroup[] {
  const names = text.split(',').filter((name) => name !== '');
  const groups = new Set<CostGroup>();
  for (const name of names) {
    const group = COST_GROUPS.find((candidate) => candidate === name);
    if (group === undefined) {
      const near = findNearest(name, COST_GROUPS);
      const right = near === undefined ? `write some of ${COST_GROUPS.join(', ')}` : `did you mean ${near}`;
      throw invalid('by', `${JSON.stringify(name)} is nothing to group by; ${right}.`);
    }
    groups.add(group);
  }
  return [...groups];
}

function invalid(pointer: string, message: string): TidingsError {
  return new TidingsError('invalid_request', message, { pointer });
}
