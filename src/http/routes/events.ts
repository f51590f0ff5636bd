import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { EventResult } from '../../ingest/results.ts';
import { retryRejected } from '../../ingest/retry-rejected.ts';
import { applyMergePatch } from '../../jobs/merge-patch.ts';
import type { Decision } from '../../model/decision.ts';
import { previewRejected } from '../../store/jobs/rejected-jobs.ts';
import { dismissRejected, listRejected } from '../../store/rejected.ts';
import type { App, HttpDependencies } from '../app.ts';
import { readCursor, writeCursor } from '../cursor.ts';
import { eventBody, ingestResponse, limitQuery, mergePatch, problemSchema, rejectedGroups } from './schemas.ts';

const MAX_EVENTS_PER_REQUEST = 1000;
/** Groups of rejected events that are listed. */
const MAX_GROUPS = 100;
const MAX_BODY_BYTES = 5 * 1024 * 1024;

/** Registers the routes that ingest events, and those of the quarantine. */
export function registerEventRoutes(app: App, parts: HttpDependencies): void {
  const { pipeline, database, seal, clock } = parts;
  for (const url of ['/api/v1/events', '/events']) {
    app.route({
      method: 'POST',
      url,
      bodyLimit: MAX_BODY_BYTES,
      // A validator sees null for a missing body, too.
      preValidation: async (request) => {
        if (request.body !== undefined) return;
        throw new TidingsError('invalid_json', 'The body is empty; send an event or a list of events.');
      },
      // The schema is for the documentation: each event is checked, and has a result, on its own.
      validatorCompiler: () => (value: unknown) => ({ value }),
      config: { scope: 'events:write' },
      schema: {
        summary: 'Post events: one, or a list of up to 1000',
        tags: ['events'],
        body: z.union([z.array(eventBody).max(MAX_EVENTS_PER_REQUEST), eventBody]),
        response: { 202: ingestResponse, 422: z.union([ingestResponse, problemSchema]), '4xx': problemSchema },
      },
      handler: async (request, reply) => {
        const items = toItems(request.body);
        const results = await pipeline.ingest(request.principal.tenantId, items, true, request.bodyBytes);
        const response = toIngestResponse(results);
        const isRejected = response.accepted === 0 && response.rejected.length > 0;
        return reply.status(isRejected ? 422 : 202).send(response);
      },
    });
  }

  app.get(
    '/api/v1/events/rejected',
    {
      config: { scope: 'rejected:read' },
      schema: {
        summary: 'Rejected events, and why; newest first',
        tags: ['events'],
        querystring: z.strictObject({ limit: limitQuery, before: z.string().optional() }),
      },
    },
    async (request) => {
      const { tenantId } = request.principal;
      const { limit, before } = request.query;
      const cursor = readCursor(before, ['number', 'uuid']);
      const position = cursor && { at: cursor[0], id: cursor[1] };
      const { rejected, last } = await listRejected(database.forTenant(tenantId), tenantId, limit, position);
      return { rejected, next: last && writeCursor([last.at, last.id]) };
    },
  );

  app.get(
    '/api/v1/events/rejected/groups',
    {
      config: { scope: 'rejected:read' },
      schema: {
        summary:
          'Count rejected events by event type, code and path; the largest groups first, of the newest 20,000 events',
        tags: ['events'],
        response: { 200: rejectedGroups, '4xx': problemSchema },
      },
    },
    async ({ principal: { tenantId } }) => {
      const scope = { tenantId, filter: {}, startedAt: clock() };
      const { count, isAtLeast, groups } = await previewRejected(database.forTenant(tenantId), seal, scope, MAX_GROUPS);
      return { count, at_least: isAtLeast, groups };
    },
  );

  app.post(
    '/api/v1/events/rejected/:id/dismiss',
    {
      config: { scope: 'rejected:write' },
      schema: {
        summary: 'Delete a rejected event without ingesting it',
        tags: ['events'],
        params: z.object({ id: z.string().max(256) }),
        response: { 200: z.object({ rejected_id: z.string() }), '4xx': problemSchema },
      },
    },
    async ({ principal: { tenantId, actor }, params: { id } }) => {
      const isDeleted =
        z.uuid().safeParse(id).success &&
        (await dismissRejected(database.forTenant(tenantId), { tenantId, actor, id }, clock()));
      if (!isDeleted) throw new TidingsError('not_found', 'There is no such rejected event.');
      return { rejected_id: id };
    },
  );

  app.post(
    '/api/v1/events/rejected/:id/retry',
    {
      bodyLimit: MAX_BODY_BYTES,
      validatorCompiler:
        ({ httpPart }) =>
        (value: unknown) => {
          if (httpPart !== 'params' || z.uuid().safeParse((value as { id: string }).id).success) return { value };
          return { error: new TidingsError('not_found', 'There is no such rejected event.') };
        },
      config: { scope: 'rejected:write' },
      schema: {
        summary: 'Ingest a rejected event again: as it was, or the corrected one in the body',
        tags: ['events'],
        params: z.object({ id: z.uuid() }),
        body: eventBody.optional(),
        response: { 202: ingestResponse, 422: ingestResponse, '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      const { tenantId, actor } = request.principal;
      const rejectedId = request.params.id;
      const corrected = request.body ?? undefined;
      const bytes = corrected === undefined ? MAX_BODY_BYTES : request.bodyBytes;
      const correct = corrected === undefined ? undefined : () => corrected;
      const results = await retryRejected(
        { ...parts, pool: database.forTenant(tenantId) },
        { tenantId, rejectedId, actor, correct, bytes },
      );
      const response = toIngestResponse(results);
      return reply.status(response.rejected.length > 0 ? 422 : 202).send(response);
    },
  );

  app.post(
    '/api/v1/events/rejected/:id/correct',
    {
      config: { scope: 'rejected:write' },
      schema: {
        summary: 'Ingest a rejected event again, corrected by a JSON merge patch (RFC 7396)',
        tags: ['events'],
        params: z.object({ id: z.string().max(256) }),
        body: z.strictObject({ patch: mergePatch }),
        response: { 202: ingestResponse, 422: ingestResponse, '4xx': problemSchema },
      },
    },
    async ({ principal: { tenantId, actor }, params, body: { patch } }, reply) => {
      const rejectedId = z.uuid().safeParse(params.id).data;
      if (rejectedId === undefined) throw new TidingsError('not_found', 'There is no such rejected event.');
      const correct = (original: unknown) => applyMergePatch(original, patch);
      const command = { tenantId, rejectedId, actor, correct, bytes: MAX_BODY_BYTES };
      const response = toIngestResponse(await retryRejected({ ...parts, pool: database.forTenant(tenantId) }, command));
      return reply.status(response.rejected.length > 0 ? 422 : 202).send(response);
    },
  );
}

function toItems(body: unknown): unknown[] {
  const items = Array.isArray(body) ? body : [body];
  if (!Array.isArray(body) && (body === null || typeof body !== 'object')) {
    throw new TidingsError('invalid_body', 'The body must be an event or a list of events.');
  }
  if (items.length > MAX_EVENTS_PER_REQUEST) {
    throw new TidingsError(
      'too_many_events',
      `The request has ${items.length} events; send at most ${MAX_EVENTS_PER_REQUEST} at a time.`,
    );
  }
  return items;
}

function toIngestResponse(results: readonly EventResult[]) {
  let accepted = 0;
  let duplicates = 0;
  const rejected: { index: number; code: string; path: string; message: string }[] = [];
  results.forEach(({ status, code = '', path = '', message = '' }, index) => {
    if (status === 'accepted') accepted++;
    else if (status === 'duplicate') duplicates++;
    else rejected.push({ index, code, path, message });
  });
  return {
    accepted,
    duplicates,
    rejected,
    results: results.map(({ eventId, status, decisions }) => {
      return { event_id: eventId, status, decisions: decisions.map(toDecisionSummary) };
    }),
  };
}

/** The decision without its evidence, which the audit has. */
function toDecisionSummary(decision: Decision) {
  const { decision_id, rule, notification_type, outcome, reason_code, reason, notification_id } = decision;
  return { decision_id, rule, notification_type, outcome, reason_code, reason, notification_id };
}
