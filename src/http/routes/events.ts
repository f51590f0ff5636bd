import { z } from 'zod';
import { type RejectionCode, TidingsError } from '../../errors.ts';
import type { EventResult } from '../../ingest/results.ts';
import { retryRejected } from '../../ingest/retry-rejected.ts';
import { compileCorrection } from '../../jobs/correction.ts';
import type { Decision } from '../../model/decision.ts';
import { redact } from '../../privacy/mask.ts';
import type { UnusableAddress } from '../../privacy/read-address.ts';
import { previewRejected } from '../../store/jobs/rejected-jobs.ts';
import { dismissRejected, listRejected } from '../../store/rejected.ts';
import type { App, HttpDependencies } from '../app.ts';
import { isBinaryMode, readEventBody } from '../cloud-events.ts';
import { Cursors } from '../cursor.ts';
import { prepareRetried } from '../prepare-retried.ts';
import { idParams } from '../schemas/common.ts';
import { eventsBody, ingestResponse, MAX_EVENTS_PER_REQUEST } from '../schemas/events.ts';
import {
  correctedBody,
  correctionBody,
  dismissalBody,
  dismissed,
  type RejectedGroup,
  rejectedGroups,
  rejectedGroupsQuery,
  rejectedPage,
  rejectedQuery,
} from '../schemas/rejected.ts';

/** Groups of rejected events that are listed. */
const MAX_GROUPS = 100;
const MAX_BODY_BYTES = 5 * 1024 * 1024;

/** Registers the routes that ingest events, and those of the quarantine. */
export function registerEventRoutes(app: App, parts: HttpDependencies): void {
  const { pipeline, database, seal, clock } = parts;
  const cursors = new Cursors(seal);
  const prepare = prepareRetried(parts);
  for (const url of ['/api/v1/events', '/events']) {
    app.route({
      method: 'POST',
      url,
      bodyLimit: MAX_BODY_BYTES,
      // A validator sees null for a missing body, too.
      preValidation: async (request) => {
        if (request.body !== undefined || isBinaryMode(request)) return;
        throw new TidingsError('invalid_json', 'The body is empty; send an event or a list of events.');
      },
      // The schema is for the documentation: each event is checked, and has a result, on its own.
      validatorCompiler: () => (value: unknown) => ({ value }),
      config: { scope: 'events:write', countRequests, errors: ['invalid_body', 'too_many_events', 'overloaded'] },
      schema: {
        operationId: url === '/events' ? 'postEventsAtRoot' : 'postEvents',
        summary: 'Post events: one, or a list of up to 1000',
        tags: ['events'],
        body: eventsBody,
        response: { 202: ingestResponse, 422: ingestResponse },
      },
      handler: async (request, reply) => {
        const items = toItems(readEventBody(request));
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
        operationId: 'listRejectedEvents',
        summary: 'Rejected events, and why; newest first',
        tags: ['events'],
        querystring: rejectedQuery,
        response: { 200: rejectedPage },
      },
    },
    async (request) => {
      const { limit } = request.query;
      const cursor = cursors.read(request, ['number', 'uuid']);
      const position = cursor && { at: cursor[0], id: cursor[1] };
      const { rejected, last } = await listRejected(
        database.forTenant(request.principal.tenantId),
        request.principal.tenantId,
        limit,
        position,
        request.query.source,
      );
      return { rejected, next: last && cursors.write(request, [last.at, last.id]) };
    },
  );

  app.get(
    '/api/v1/events/rejected/groups',
    {
      config: { scope: 'rejected:read' },
      schema: {
        operationId: 'groupRejectedEvents',
        summary:
          'Count rejected events by event type, code and path; the largest groups first, of the newest 20,000 events',
        tags: ['events'],
        querystring: rejectedGroupsQuery,
        response: { 200: rejectedGroups },
      },
    },
    async ({ principal: { tenantId }, query: { source } }) => {
      const scope = { tenantId, filter: { ...(source !== undefined && { source }) }, startedAt: clock() };
      const { count, isAtLeast, groups } = await previewRejected(database.forTenant(tenantId), seal, scope, MAX_GROUPS);
      return { count, at_least: isAtLeast, groups: groups as unknown as readonly RejectedGroup[] };
    },
  );

  app.post(
    '/api/v1/events/rejected/:id/dismiss',
    {
      config: { scope: 'rejected:write', errors: ['not_found'] },
      schema: {
        operationId: 'dismissRejectedEvent',
        summary: 'Delete a rejected event without ingesting it',
        tags: ['events'],
        params: idParams,
        body: dismissalBody,
        response: { 200: dismissed },
      },
    },
    async ({ principal: { tenantId, actor }, params: { id }, body }) => {
      const reason = body?.reason === undefined ? null : redact(body.reason);
      const isDeleted =
        z.uuid().safeParse(id).success &&
        (await dismissRejected(database.forTenant(tenantId), { tenantId, actor, id, reason }, clock()));
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
      config: { scope: 'rejected:write', errors: ['not_found', 'not_readable', 'overloaded'] },
      schema: {
        operationId: 'retryRejectedEvent',
        summary: 'Ingest a rejected event again: as it was, or the corrected one in the body',
        tags: ['events'],
        params: z.object({ id: z.uuid() }),
        body: correctedBody,
        response: { 202: ingestResponse, 422: ingestResponse },
      },
    },
    async (request, reply) => {
      const { tenantId, actor } = request.principal;
      const rejectedId = request.params.id;
      const corrected = request.body ?? undefined;
      const bytes = corrected === undefined ? MAX_BODY_BYTES : request.bodyBytes;
      const correct = corrected === undefined ? undefined : () => ({ item: corrected });
      const results = await retryRejected(
        { ...parts, prepare, pool: database.forTenant(tenantId) },
        { tenantId, rejectedId, actor, correct, bytes },
      );
      const response = toIngestResponse(results);
      return reply.status(response.rejected.length > 0 ? 422 : 202).send(response);
    },
  );

  app.post(
    '/api/v1/events/rejected/:id/correct',
    {
      config: { scope: 'rejected:write', errors: ['not_found', 'not_readable', 'overloaded'] },
      schema: {
        operationId: 'correctRejectedEvent',
        summary: 'Ingest a rejected event again, corrected by a JSON merge patch (RFC 7396) and by expressions',
        tags: ['events'],
        params: idParams,
        body: correctionBody,
        response: { 202: ingestResponse, 422: ingestResponse },
      },
    },
    async ({ principal: { tenantId, actor }, params, body: { patch = null, compute = null } }, reply) => {
      const rejectedId = z.uuid().safeParse(params.id).data;
      if (rejectedId === undefined) throw new TidingsError('not_found', 'There is no such rejected event.');
      const correct = compileCorrection({ patch, compute });
      const command = { tenantId, rejectedId, actor, correct, bytes: MAX_BODY_BYTES };
      const response = toIngestResponse(
        await retryRejected({ ...parts, prepare, pool: database.forTenant(tenantId) }, command),
      );
      return reply.status(response.rejected.length > 0 ? 422 : 202).send(response);
    },
  );
}

/** Events that count as one request for the limit of a key. */
const EVENTS_PER_COUNTED_REQUEST = 100;

function countRequests(body: unknown): number {
  const events = Array.isArray(body) ? Math.min(body.length, MAX_EVENTS_PER_REQUEST) : 1;
  return Math.max(1, Math.ceil(events / EVENTS_PER_COUNTED_REQUEST));
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
  const rejected: { index: number; code: RejectionCode; path: string; message: string }[] = [];
  results.forEach(({ status, code = 'invalid_event', path = '', message = '' }, index) => {
    if (status === 'accepted') accepted++;
    else if (status === 'duplicate') duplicates++;
    else rejected.push({ index, code, path, message });
  });
  return {
    accepted,
    duplicates,
    rejected,
    results: results.map(({ eventId, status, decisions, unusable }) => {
      const result = { event_id: eventId, status, decisions: decisions.map(toDecisionSummary) };
      return unusable ? { ...result, notes: unusable.map(toNote) } : result;
    }),
  };
}

function toNote({ trait, problem }: UnusableAddress) {
  const path = `user_traits.${trait}`;
  return { code: 'unusable_address' as const, path, message: `${path} ${problem}` };
}

/** The decision without its evidence, which the audit has. */
function toDecisionSummary(decision: Decision) {
  const { decision_id, rule, notification_type, outcome, reason_code, reason, notification_id } = decision;
  return { decision_id, rule, notification_type, outcome, reason_code, reason, notification_id };
}
