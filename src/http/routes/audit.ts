import { z } from 'zod';
import { loadUserAudit } from '../../explain/user-audit.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import {
  anyObject,
  decisionWithEvidence,
  delivery,
  limitQuery,
  pathText,
  problemSchema,
  timestamp,
} from './schemas.ts';

const storedDecision = decisionWithEvidence.extend({
  event_id: z.string(),
  event_type: z.string(),
  event_timestamp: timestamp,
  decided_at: timestamp,
  catalog_version: z.number(),
});

const notification = z.object({
  notification_id: z.string(),
  notification_type: z.string(),
  category: z.string(),
  rule: z.string(),
  decision_id: z.string(),
  event_id: z.string(),
  created_at: timestamp,
  deliveries: z.array(delivery.extend({ attempts: z.array(anyObject).readonly() })).readonly(),
});

const auditResponse = z.object({
  user_id: z.string(),
  profile: anyObject,
  recent_events: z.array(anyObject),
  decisions: z.array(storedDecision),
  notifications: z.array(notification),
  next: z.string().nullable(),
});

export function registerAuditRoutes(app: App, { database }: HttpDependencies): void {
  for (const url of ['/api/v1/audit/:user_id', '/audit/:user_id']) {
    app.get(
      url,
      {
        config: { scope: 'decisions:read' },
        schema: {
          summary: 'Show the events, decisions with evidence, notifications and attempts of a user',
          tags: ['explain'],
          params: z.object({ user_id: pathText }),
          querystring: z.strictObject({
            limit: limitQuery,
            notification_type: pathText.optional(),
            before: z.string().optional(),
          }),
          response: { 200: auditResponse, '4xx': problemSchema },
        },
      },
      async ({ principal, params, query }) => {
        const cursor = readCursor(query.before, ['number', 'uuid']);
        const { last, ...audit } = await loadUserAudit(database.forTenant(principal.tenantId), {
          tenantId: principal.tenantId,
          userId: params.user_id,
          limit: query.limit,
          notificationType: query.notification_type ?? null,
          before: cursor && { time: cursor[0], key: cursor[1] },
        });
        return { user_id: params.user_id, ...audit, next: last ? writeCursor([last.time, last.key]) : null };
      },
    );
  }
}
