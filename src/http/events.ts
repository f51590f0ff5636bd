import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { TidingsError } from '../errors.ts';
import type { EventResult } from '../ingest/results.ts';
import type { Decision } from '../model/decision.ts';
import { listRejected, openRejected, removeRejected } from '../store/rejected.ts';
import type { App, HttpDependencies } from './app.ts';
import { readCursor, writeCursor } from './cursor.ts';
import { eventBody, ingestAnswer, limitQuery, problemSchema } from './schemas.ts';

export const MAX_EVENTS = 1000;
export const MAX_BODY = 5 * 1024 * 1024;

/** Events in, and the quarantine of those that were refused. */
export function eventRoutes(app: App, { pipeline, pool, seal, clock }: HttpDependencies): void {
  for (const url of ['/api/v1/events', '/events']) {
    app.route({
      method: 'POST',
      url,
      bodyLimit: MAX_BODY,
      // A validator sees null for no body at all, too.
      preValidation: async (request) => {
        if (request.body !== undefined) return;
        throw new TidingsError('invalid_json', 'The body is empty; send an event or a list of events.');
      },
      // Each event is checked and answered by itself, further in; the schema is for the documentation.
      validatorCompiler: () => (value: unknown) => ({ value }),
      schema: {
        summary: 'Post events: one, or a list of up to 1000',
        tags: ['events'],
        body: z.union([z.array(eventBody).max(MAX_EVENTS), eventBody]),
        response: { 202: ingestAnswer, 422: z.union([ingestAnswer, problemSchema]), '4xx': problemSchema },
      },
      handler: async (request, reply) => {
        const items = itemsOf(request.body);
        const results = await pipeline.ingest(request.caller.tenantId, items, true, lengthOf(request));
        const answer = answerOf(results);
        const wrong = answer.accepted === 0 && answer.rejected.length > 0;
        return reply.status(wrong ? 422 : 202).send(answer);
      },
    });
  }

  app.get(
    '/api/v1/events/rejected',
    {
      schema: {
        summary: 'Events that were refused, and why; newest first',
        tags: ['events'],
        querystring: z.strictObject({ limit: limitQuery, before: z.string().optional() }),
      },
    },
    async (request) => {
      const { limit, before } = request.query;
      const cursor = readCursor(before, ['number', 'uuid']);
      const place = cursor && { at: cursor[0], id: cursor[1] };
      const { rejected, last } = await listRejected(pool, request.caller.tenantId, limit, place);
      return { rejected, next: last && writeCursor([last.at, last.id]) };
    },
  );

  app.post(
    '/api/v1/events/rejected/:id/retry',
    {
      bodyLimit: MAX_BODY,
      validatorCompiler:
        ({ httpPart }) =>
        (value: unknown) => {
          if (httpPart !== 'params' || z.uuid().safeParse((value as { id: string }).id).success) return { value };
          return { error: new TidingsError('not_found', 'There is no such refused event.') };
        },
      schema: {
        summary: 'Take in a refused event again: as it was, or the corrected one in the body',
        tags: ['events'],
        params: z.object({ id: z.uuid() }),
        body: eventBody.optional(),
        response: { 202: ingestAnswer, 422: ingestAnswer, '4xx': problemSchema },
      },
    },
    async (request, reply) => {
      const { tenantId, actor } = request.caller;
      const { id } = request.params;
      const kept = await openRejected(pool, seal, tenantId, id);
      if (kept === undefined) throw new TidingsError('not_found', 'There is no such refused event.');
      // A correction that is refused, too, is no second event: the first one stays until one is taken in.
      const corrected = request.body ?? undefined;
      const bytes = corrected === undefined ? MAX_BODY : lengthOf(request);
      const results = await pipeline.ingest(tenantId, [corrected ?? kept], corrected === undefined, bytes);
      const answer = answerOf(results);
      if (answer.rejected.length > 0) return reply.status(422).send(answer);
      await removeRejected(pool, tenantId, id, actor, clock());
      return reply.status(202).send(answer);
    },
  );
}

/** In bytes; a body that comes in chunks counts as the largest there may be. */
function lengthOf({ headers }: FastifyRequest): number {
  return Number(headers['content-length'] ?? MAX_BODY);
}

function itemsOf(body: unknown): unknown[] {
  const items = Array.isArray(body) ? body : [body];
  if (!Array.isArray(body) && (body === null || typeof body !== 'object')) {
    throw new TidingsError('invalid_body', 'The body must be an event or a list of events.');
  }
  if (items.length > MAX_EVENTS) {
    throw new TidingsError(
      'too_many_events',
      `The request has ${items.length} events; send at most ${MAX_EVENTS} at a time.`,
    );
  }
  return items;
}

function answerOf(results: readonly EventResult[]) {
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
    results: results.map(({ eventId, status, decisions }) => ({
      event_id: eventId,
      status,
      decisions: decisions.map(short),
    })),
  };
}

/** Without the evidence: that is for the audit. */
function short(decision: Decision) {
  const { decision_id, rule, notification_type, outcome, reason_code, reason, notification_id } = decision;
  return { decision_id, rule, notification_type, outcome, reason_code, reason, notification_id };
}
