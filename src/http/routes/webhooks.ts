import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import { startJob } from '../../jobs/start-job.ts';
import type { Millis } from '../../model/event.ts';
import { parseDuration } from '../../time/duration.ts';
import { isoTime } from '../../time/iso-time.ts';
import { Webhooks } from '../../webhooks/webhooks.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { readIfMatch, setEtag } from '../if-match.ts';
import { pageQuery } from '../schemas/common.ts';
import { job } from '../schemas/jobs.ts';
import {
  endpoint,
  endpointChange,
  endpointDeliveryPage,
  endpointDeliveryParams,
  endpointPage,
  endpointParams,
  endpointReplay,
  endpointTest,
  endpointWithSecret,
  newEndpoint,
  replayed,
  secretRotation,
  testResult,
} from '../schemas/webhooks.ts';

const TAGS = ['webhooks'];
const PATH = '/api/v1/webhooks/:endpoint_id';
/** The longest time in ms for which a replaced secret signs as well: 7 days. */
const MAX_OVERLAP_MS: Millis = 7 * 24 * 3_600_000;

/** Endpoints of webhooks of a tenant: management, test call, attempts and replay. */
export function registerWebhookRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, seal, clock, outbound: client } = dependencies;
  const webhooks = new Webhooks({ database, seal, clock, client });
  const cursors = new Cursors(seal);

  app.get(
    '/api/v1/webhooks',
    {
      config: { scope: 'webhooks:read', takesPortal: true },
      schema: {
        operationId: 'listWebhooks',
        summary: 'List the endpoints of webhooks, newest first',
        tags: TAGS,
        querystring: pageQuery,
        response: { 200: endpointPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const found = await webhooks.list(principal, query.limit, cursors.read(request, ['uuid'])?.[0] ?? null);
      return { webhooks: found, next: cursors.next(request, found, query.limit, (last) => [last.endpoint_id]) };
    },
  );

  app.post(
    '/api/v1/webhooks',
    {
      config: { scope: 'webhooks:write', takesPortal: true, errors: ['invalid_webhook', 'too_many_webhooks'] },
      schema: {
        operationId: 'createWebhook',
        summary: 'Create an endpoint of webhooks; the response shows its secret this once',
        tags: TAGS,
        body: newEndpoint,
        response: { 201: endpointWithSecret },
      },
    },
    async ({ principal, body: { secret, ...fields }, operationId }, reply) => {
      const created = await webhooks.create(principal, fields, secret, operationId);
      return setEtag(reply, created.revision).status(201).header('cache-control', 'no-store').send(created);
    },
  );

  app.get(
    PATH,
    {
      config: { scope: 'webhooks:read', takesPortal: true, errors: ['not_found'] },
      schema: {
        operationId: 'getWebhook',
        summary: 'Show an endpoint of webhooks, without its secrets',
        tags: TAGS,
        params: endpointParams,
        response: { 200: endpoint },
      },
    },
    async ({ principal, params }, reply) => {
      const found = await webhooks.get(principal, requireId(params));
      setEtag(reply, found.revision);
      return found;
    },
  );

  app.patch(
    PATH,
    {
      config: {
        scope: 'webhooks:write',
        takesPortal: true,
        errors: ['not_found', 'outdated', 'invalid_webhook', 'not_readable'],
      },
      schema: {
        operationId: 'updateWebhook',
        summary: 'Change an endpoint of webhooks, or disable it; what is absent stays',
        tags: TAGS,
        params: endpointParams,
        body: endpointChange,
        response: { 200: endpoint },
      },
    },
    async (request, reply) => {
      const { principal, params, body } = request;
      const changed = await webhooks.update(principal, requireId(params), body, readIfMatch(request));
      setEtag(reply, changed.revision);
      return changed;
    },
  );

  app.delete(
    PATH,
    {
      config: { scope: 'webhooks:write', takesPortal: true, errors: ['not_found', 'outdated'] },
      schema: {
        operationId: 'deleteWebhook',
        summary: 'Delete an endpoint of webhooks; what waits for it is not sent',
        tags: TAGS,
        params: endpointParams,
        response: { 200: endpoint },
      },
    },
    async (request) => webhooks.delete(request.principal, requireId(request.params), readIfMatch(request)),
  );

  app.post(
    `${PATH}/rotate-secret`,
    {
      config: {
        scope: 'webhooks:write',
        takesPortal: true,
        errors: ['not_found', 'outdated', 'invalid_webhook', 'not_readable'],
      },
      schema: {
        operationId: 'rotateWebhookSecret',
        summary: 'Sign with a new secret; the one before signs as well for the overlap',
        tags: TAGS,
        params: endpointParams,
        body: secretRotation.nullish(),
        response: { 201: endpointWithSecret },
      },
    },
    async (request, reply) => {
      const { principal, params, body } = request;
      const overlap = readOverlap(body?.overlap ?? '24h');
      const expected = readIfMatch(request);
      const rotated = await webhooks.rotate(principal, requireId(params), body?.secret, overlap, expected);
      return setEtag(reply, rotated.revision).status(201).header('cache-control', 'no-store').send(rotated);
    },
  );

  app.post(
    `${PATH}/test`,
    {
      config: { scope: 'webhooks:write', takesPortal: true, errors: ['not_found', 'not_readable'] },
      schema: {
        operationId: 'testWebhook',
        summary: 'Send a message of the type webhook.test now, and report what the endpoint answered',
        tags: TAGS,
        params: endpointParams,
        body: endpointTest.nullish(),
        response: { 200: testResult },
      },
    },
    async ({ principal, params, body }) =>
      webhooks.test(principal, requireId(params), body?.data ?? { message: 'A test of Tidings' }),
  );

  app.get(
    `${PATH}/deliveries`,
    {
      config: { scope: 'webhooks:read', takesPortal: true, errors: ['not_found'] },
      schema: {
        operationId: 'listWebhookDeliveries',
        summary: 'List the messages to an endpoint with each attempt, newest first',
        tags: TAGS,
        params: endpointParams,
        querystring: pageQuery,
        response: { 200: endpointDeliveryPage },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const deliveries = await webhooks.listDeliveries(principal, requireId(params), query.limit, before);
      const next = cursors.next(request, deliveries, query.limit, (last) => [last.delivery_id.slice(0, UUID_CHARS)]);
      return { deliveries, next };
    },
  );

  app.post(
    `${PATH}/deliveries/:delivery_id/replay`,
    {
      config: { scope: 'webhooks:write', takesPortal: true, errors: ['not_found', 'not_retryable', 'invalid_webhook'] },
      schema: {
        operationId: 'replayWebhookDelivery',
        summary: 'Send a message to an endpoint once more, whatever became of it',
        tags: TAGS,
        params: endpointDeliveryParams,
        response: { 202: replayed },
      },
    },
    async ({ principal, params }, reply) => {
      await webhooks.replay(principal, requireId(params), params.delivery_id);
      return reply.status(202).send({ delivery_id: params.delivery_id });
    },
  );

  app.post(
    `${PATH}/replay`,
    {
      config: { scope: 'webhooks:write', takesPortal: true, errors: ['not_found', 'invalid_webhook', 'too_many_jobs'] },
      schema: {
        operationId: 'replayWebhook',
        summary: 'Start a job that sends the messages of a time range once more: those that failed or are kept, or all',
        tags: TAGS,
        params: endpointParams,
        body: endpointReplay.nullish(),
        response: { 202: job },
      },
    },
    async ({ principal, params, body, headers, operationId }, reply) => {
      const { tenantId, actor } = principal;
      const { since, until, include_sent, per_second } = body ?? {};
      if (since !== undefined && until !== undefined && Date.parse(since) >= Date.parse(until)) {
        const message = 'until is not after since; write a later time, or leave it out.';
        throw new TidingsError('invalid_request', message, { pointer: '/until' });
      }
      const filter = {
        endpoint_id: requireId(params),
        ...(since !== undefined && { since: isoTime(Date.parse(since)) }),
        ...(until !== undefined && { until: isoTime(Date.parse(until)) }),
        ...(include_sent !== undefined && { include_sent }),
      };
      const parts = { ...dependencies, pool: database.forTenant(tenantId) };
      const { job } = await startJob(parts, {
        tenantId,
        actor,
        action: 'webhooks.replay',
        filter,
        name: null,
        patch: null,
        perSecond: per_second ?? null,
        key: headers['idempotency-key'] ? operationId : null,
      });
      return reply.status(202).send(job);
    },
  );
}

const UUID_CHARS = 36;

/** @throws TidingsError `not_found` for what is no id */
function requireId({ endpoint_id: id }: { readonly endpoint_id: string }): string {
  if (z.uuid().safeParse(id).success) return id.toLowerCase();
  throw new TidingsError('not_found', 'There is no such webhook endpoint.');
}

function readOverlap(text: string): Millis {
  const parsed = text === '0' || text === '0s' ? { ms: 0 } : parseDuration(text);
  if ('message' in parsed) {
    throw new TidingsError('invalid_request', `${parsed.message}; ${parsed.hint}`, { pointer: '/overlap' });
  }
  if (parsed.ms > MAX_OVERLAP_MS) {
    throw new TidingsError('invalid_request', 'The overlap is longer than 7d.', { pointer: '/overlap' });
  }
  return parsed.ms;
}
