import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import { WAIT_STATUSES } from '../model/decision.ts';
import { listWaits } from '../store/wait-views.ts';
import { countWaiting } from '../store/waits.ts';
import { cancelWaits, migrateWaits } from '../timers/wait-admin.ts';
import type { App, HttpDependencies } from './app.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { anyObject, decisionShort, limitQuery, pathText, problemSchema } from './schemas.ts';

const time = z.string().describe('ISO 8601, UTC');

const wait = z.object({
  wait_id: z.string(),
  user_id: z.string(),
  rule: z.string(),
  key: z.string().nullable(),
  kind: z.string(),
  status: z.enum(WAIT_STATUSES),
  catalog_version: z.number(),
  event_id: z.string().describe('The event that is told'),
  event_type: z.string(),
  event_timestamp: time,
  due_at: time,
  began_at: time,
  ended_at: time.nullable(),
  ended_by: z.string().nullable().describe('The event that ended it'),
  items: z.number().nullable().describe('Of a digest: how much it holds'),
  decisions: z
    .array(decisionShort.extend({ event_ids: z.array(z.string()).readonly(), evidence: anyObject }))
    .readonly(),
});

const command = z.object({
  rule: pathText,
  after: pathText.optional().describe('The `next` of the answer before, to go on'),
});

const done = {
  rule: z.string(),
  users: z.number(),
  waits: z.number().describe('How many were changed by this call'),
  next: z.string().nullable().describe('The last user_id of this call: not all yet, call again with it as `after`'),
};

/** Who waits in which rule, and what an operator can do about it. */
export function waitRoutes(app: App, { pool, catalogs, clock }: HttpDependencies): void {
  app.get(
    '/api/v1/waits',
    {
      schema: {
        summary: 'Rules that wait or have waited for a person, newest first',
        tags: ['waits'],
        querystring: z.strictObject({
          user_id: pathText.optional(),
          rule: pathText.optional(),
          status: z.enum(WAIT_STATUSES).optional(),
          limit: limitQuery,
          before: z.string().optional(),
        }),
        response: { 200: z.object({ waits: z.array(wait), next: z.string().nullable() }), '4xx': problemSchema },
      },
    },
    async (request) => {
      const { user_id: userId, rule, status, limit, before } = request.query;
      const cursor = readCursor(before, ['number', 'uuid']);
      const place = cursor && { beganAt: cursor[0], waitId: cursor[1] };
      const { waits, last } = await listWaits(pool, request.caller.tenantId, { userId, rule, status }, limit, place);
      return { waits, next: last && writeCursor([last.beganAt, last.waitId]) };
    },
  );

  app.get(
    '/api/v1/waits/rules',
    {
      schema: {
        summary: 'How many wait in each rule',
        tags: ['waits'],
        response: {
          200: z.object({ rules: z.array(z.object({ rule: z.string(), users: z.number(), waits: z.number() })) }),
        },
      },
    },
    async (request) => ({ rules: await countWaiting(pool, request.caller.tenantId) }),
  );

  app.post(
    '/api/v1/waits/cancel',
    {
      schema: {
        summary: 'End all waits of a rule; several thousand people a call',
        tags: ['waits'],
        body: command,
        response: { 200: z.object(done), '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId, actor } = request.caller;
      const { rule, after = '' } = request.body;
      const done = await cancelWaits({ pool, catalogs, tenantId, rule, actor, now: clock() }, after);
      const { version, rules } = await catalogs.active(tenantId);
      if (done.users === 0 && after === '' && !rules.byName.has(rule)) {
        const names = [...rules.byName.keys()].join(', ') || 'none';
        const message = `Nothing waits in a rule ${rule}, and the catalog in force (version ${version}) has none of this name; there are: ${names}.`;
        throw new TidingsError('not_found', message, { path: 'rule' });
      }
      return { rule, ...done };
    },
  );

  app.post(
    '/api/v1/waits/migrate',
    {
      schema: {
        summary: 'Have all waits of a rule end by the catalog in force; several thousand people a call',
        tags: ['waits'],
        body: command,
        response: { 200: z.object({ ...done, version: z.number(), skipped: z.number() }), '4xx': problemSchema },
      },
    },
    async (request) => {
      const { tenantId, actor } = request.caller;
      const { rule, after = '' } = request.body;
      return { rule, ...(await migrateWaits({ pool, catalogs, tenantId, rule, actor, now: clock() }, after)) };
    },
  );
}
