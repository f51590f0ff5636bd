import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { OUTCOMES } from '../model.ts';
import { ANSWERS, explain } from '../rules/explain.ts';
import { typesOf } from '../rules/rule-set.ts';
import { loadNotifications } from '../store/notifications.ts';
import { countEvents, findUsers, loadProfile, loadTimeline, recentActivity } from '../store/people.ts';
import type { App, HttpParts } from './app.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { anyObject, decisionFull, limitQuery, notification, pathText, problemSchema } from './schemas.ts';

/** Decisions an explanation looks back over. */
const EXPLAINED = 200;

const explanation = z.looseObject({
  user_id: z.string(),
  notification_type: z.string(),
  answer: z.enum(ANSWERS).describe('How the latest decision to send it fared'),
  paragraph: z.string(),
});

/** Why, and why not: from what was stored when it was decided. */
export function auditRoutes(app: App, { pool, catalogs, clock }: HttpParts): void {
  for (const url of ['/api/v1/audit/:user_id', '/audit/:user_id']) {
    app.get(
      url,
      {
        schema: {
          summary: 'Everything about one person: events, decisions with their evidence, messages and attempts',
          tags: ['why'],
          params: z.object({ user_id: pathText }),
          querystring: z.object({
            limit: limitQuery,
            notification_type: pathText.optional(),
            before: z.string().optional(),
          }),
          response: {
            200: z.object({
              user_id: z.string(),
              profile: anyObject,
              recent_events: z.array(anyObject),
              decisions: z.array(decisionFull),
              notifications: z.array(notification),
              next: z.string().nullable(),
            }),
            '4xx': problemSchema,
          },
        },
      },
      async (request) => {
        const { tenantId } = request.caller;
        const { user_id } = request.params;
        const { limit, notification_type = null, before } = request.query;
        const [time, key] = before === undefined ? [] : readCursor(before, ['number', 'uuid']);
        const place = time === undefined || key === undefined ? null : { time, key };
        const profile = await loadProfile(pool, tenantId, user_id);
        const timeline = await loadTimeline(pool, tenantId, user_id, limit, place, notification_type);
        const ids = timeline.decisions.flatMap(({ notification_id }) => notification_id ?? []);
        return {
          user_id,
          profile,
          recent_events: timeline.events,
          decisions: timeline.decisions,
          notifications: await loadNotifications(pool, tenantId, user_id, ids),
          next: timeline.last ? writeCursor([timeline.last.time, timeline.last.key]) : null,
        };
      },
    );
  }

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
      const { user_id, notification_type } = request.params;
      const catalog = await catalogs.refresh(tenantId);
      const { decisions } = await loadTimeline(pool, tenantId, user_id, EXPLAINED, null, notification_type);
      if (!catalog.rules.notifications.has(notification_type) && decisions.length === 0) {
        const known = [...catalog.rules.notifications.keys()].join(', ');
        throw new TidingsError(
          'not_found',
          `There is no notification type of this name; there are: ${known || 'none'}.`,
          {
            path: 'notification_type',
          },
        );
      }
      const rules = catalog.data.rules.filter((rule) => typesOf(rule).includes(notification_type));
      const types = rules.flatMap((rule) => [...rule.on, ...rule.after.map(({ event }) => event)]);
      const profile = await loadProfile(pool, tenantId, user_id);
      const ids = decisions.flatMap((decision) => decision.notification_id ?? []);
      const notifications = await loadNotifications(pool, tenantId, user_id, ids);
      const { answer, paragraph } = explain({
        userId: user_id,
        notificationType: notification_type,
        known: profile !== null,
        catalogVersion: catalog.version,
        rules,
        decisions,
        deliveries: notifications.flatMap((one) => one.deliveries),
        seen: await countEvents(pool, tenantId, user_id, types),
      });
      const names = new Set([...rules.map((rule) => rule.name), ...decisions.map((decision) => decision.rule)]);
      return {
        user_id,
        notification_type,
        answer,
        paragraph,
        catalog_version: catalog.version,
        rules: [...names].map((name) => {
          const rule = rules.find((one) => one.name === name);
          const count = (outcome: string) => decisions.filter((d) => d.rule === name && d.outcome === outcome).length;
          return {
            rule: name,
            on: rule?.on ?? [],
            when: rule?.when ?? null,
            every: rule?.every?.text ?? null,
            after: rule?.after.map(({ event, withinText }) => ({ event, within: withinText }))[0] ?? null,
            limits: rule?.limits.map((limit) => limit.text) ?? [],
            active: rule !== undefined,
            decisions: Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(outcome)])),
          };
        }),
        decisions,
        notifications,
      };
    },
  );

  app.get(
    '/api/v1/activity',
    {
      schema: {
        summary: 'What arrived last, and what was decided',
        tags: ['why'],
        querystring: z.object({ limit: limitQuery }),
      },
    },
    async (request) => ({ events: await recentActivity(pool, request.caller.tenantId, request.query.limit, clock()) }),
  );

  app.get(
    '/api/v1/users',
    {
      schema: {
        summary: 'Find people by the beginning of their id',
        tags: ['why'],
        querystring: z.object({ prefix: pathText.or(z.literal('')).default(''), limit: limitQuery }),
      },
    },
    async (request) => {
      const { prefix, limit } = request.query;
      const ids = await findUsers(pool, request.caller.tenantId, prefix, limit);
      return { users: ids.map((user_id) => ({ user_id })) };
    },
  );
}
