import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { ANSWERS, awaitedBy, explain } from '../explain/explain.ts';
import type { Rule } from '../model/catalog.ts';
import { OUTCOMES, type Outcome } from '../model/decision.ts';
import { getNotificationTypes } from '../rules/rule-set.ts';
import { loadNotifications } from '../store/delivery-views.ts';
import { loadRejected } from '../store/rejected.ts';
import { countDecisions, countEvents, type DecisionCount, loadDecisions, loadProfile } from '../store/users.ts';
import type { App, HttpDependencies } from './app.ts';
import { pathText, problemSchema } from './schemas.ts';

/** Events of which an explanation lists what was decided. What it says counts all of them. */
const LISTED = 200;

const explanation = z.looseObject({
  user_id: z.string(),
  notification_type: z.string(),
  answer: z.enum(ANSWERS).describe('How the latest decision to send it fared'),
  paragraph: z.string(),
});

/** The one question: why did this person (not) get this? */
export function explainRoutes(app: App, { pool, catalogs, seal }: HttpDependencies): void {
  app.get(
    '/api/v1/explain/:user_id/:notification_type',
    {
      schema: {
        summary: 'Why did this person (not) get this?',
        tags: ['why'],
        params: z.object({ user_id: pathText, notification_type: pathText }),
        response: { 200: explanation, '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId } = request.caller;
      const { user_id: userId, notification_type: type } = request.params;
      const catalog = await catalogs.refresh(tenantId);
      const decisions = await loadDecisions(pool, tenantId, userId, LISTED, { type });
      if (!catalog.rules.notifications.has(type) && decisions.length === 0) {
        const known = [...catalog.rules.notifications.keys()].join(', ');
        const message = `There is no notification type of this name; there are: ${known || 'none'}.`;
        throw new TidingsError('not_found', message, { path: 'notification_type' });
      }

      const rules = catalog.data.rules.filter((rule) => getNotificationTypes(rule).includes(type));
      const all = await countDecisions(
        pool,
        tenantId,
        userId,
        type,
        rules.map(({ name }) => name),
      );
      const counts = all.filter(({ isAbout }) => isAbout);
      const sends = countOf(counts, 'send');
      const scheduled = countOf(counts, 'scheduled');
      let latestSend = decisions.find(({ outcome }) => outcome === 'send') ?? null;
      if (!latestSend && sends > 0) {
        const older = await loadDecisions(pool, tenantId, userId, 1, { type, outcome: 'send' });
        latestSend = older[0] ?? null;
      }
      const told = new Set([latestSend, ...decisions].flatMap((decision) => decision?.notification_id ?? []));
      const notifications = await loadNotifications(pool, tenantId, userId, [...told]);

      const profile = await loadProfile(pool, tenantId, userId);
      const user = profile?.traits ?? {};
      const outside = rules.filter(({ name }) => {
        const audience = catalog.rules.byName.get(name)?.audience;
        return audience && audience.evaluate({ event: {}, traits: {}, user }).kind !== 'true';
      });

      const { answer, paragraph } = explain({
        userId,
        notificationType: type,
        known: profile !== null,
        catalogVersion: catalog.version,
        rules,
        decisions,
        latestSend,
        counts: { sends, scheduled, others: countOf(counts) - sends - scheduled },
        elsewhere: new Map(
          rules
            .filter(({ name }) => !counts.some(({ rule }) => rule === name))
            .map(({ name }) => [name, countOf(all.filter(({ rule }) => rule === name))]),
        ),
        outside: new Set(outside.map(({ name }) => name)),
        deliveries: notifications.flatMap((one) => one.deliveries),
        seen: await countEvents(pool, tenantId, userId, [...awaitedBy(rules)]),
        refused: await loadRejected(pool, seal, tenantId, userId, LISTED),
      });
      const names = new Set([...rules, ...counts.map(({ rule }) => ({ name: rule }))].map(({ name }) => name));
      return {
        user_id: userId,
        notification_type: type,
        answer,
        paragraph,
        catalog_version: catalog.version,
        rules: [...names].map((name) => ({
          rule: name,
          ...inWords(rules.find((one) => one.name === name)),
          decisions: Object.fromEntries(
            OUTCOMES.map((outcome) => [
              outcome,
              countOf(
                counts.filter(({ rule }) => rule === name),
                outcome,
              ),
            ]),
          ),
        })),
        decisions,
        notifications,
      };
    },
  );
}

function countOf(counts: readonly DecisionCount[], outcome?: Outcome): number {
  return counts.reduce((sum, one) => sum + (outcome === undefined || one.outcome === outcome ? one.count : 0), 0);
}

/** What a rule goes by; undefined: the catalog in force has it no more. */
function inWords(rule: Rule | undefined) {
  return {
    on: rule?.on ?? [],
    when: rule?.when ?? null,
    every: rule?.every?.text ?? null,
    for: rule?.audience ?? null,
    after: rule?.after.map(({ event, withinText }) => ({ event, within: withinText }))[0] ?? null,
    limits: rule?.limits.map((limit) => limit.text) ?? [],
    active: rule !== undefined,
  };
}
