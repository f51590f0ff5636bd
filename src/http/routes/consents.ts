import type { App, HttpDependencies } from '../app.ts';
import { Consents } from '../consents.ts';
import { Cursors } from '../cursor.ts';
import { requireUser } from '../require-user.ts';
import { pageQuery } from '../schemas/common.ts';
import {
  consentPage,
  latestConsentPage,
  latestConsentsQuery,
  newConsent,
  recordedConsent,
} from '../schemas/consents.ts';
import { preferencesParams } from '../schemas/preferences.ts';

/** Consents of users: of one that is named in the path, and of the user of a token. */
export function registerConsentRoutes(app: App, parts: HttpDependencies): void {
  const service = new Consents(parts);
  const cursors = new Cursors(parts.seal);
  const users = '/api/v1/users/:user_id/consents';
  const own = '/api/v1/me/consents';
  const tags = ['preferences'];

  app.get(
    '/api/v1/consents',
    {
      config: { scope: 'preferences:read' },
      schema: {
        operationId: 'listLatestConsents',
        summary: 'List the consents of all users, the one that was recorded last first',
        tags,
        querystring: latestConsentsQuery,
        response: { 200: latestConsentPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const { limit, purpose = null, channel = null, state = null } = query;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const page = await service.listLatest(principal.tenantId, { purpose, channel, state }, { limit, before });
      return { consents: page.consents, next: page.before === null ? null : cursors.write(request, [page.before]) };
    },
  );
  app.get(
    users,
    {
      config: { scope: 'preferences:read', errors: ['not_found'] },
      schema: {
        operationId: 'listConsents',
        summary: 'List the consents of a user, the one that was recorded last first',
        tags,
        params: preferencesParams,
        querystring: pageQuery,
        response: { 200: consentPage },
      },
    },
    async (request) => {
      const { principal, params, query } = request;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const consents = await service.list(principal, params.user_id, query.limit, before);
      return { consents, next: cursors.next(request, consents, query.limit, (last) => [last.consent_id]) };
    },
  );
  app.post(
    users,
    {
      config: { scope: 'preferences:write', errors: ['not_found', 'invalid_notification', 'rate_limited'] },
      schema: {
        operationId: 'recordConsent',
        summary: 'Record that a user granted or withdrew consent, with the evidence',
        tags,
        params: preferencesParams,
        body: newConsent,
        response: { 201: recordedConsent },
      },
    },
    async ({ principal, params, body }, reply) =>
      reply.status(201).send(await service.record(principal, params.user_id, body)),
  );
  app.get(
    own,
    {
      config: { scope: 'me', errors: ['not_found'] },
      schema: {
        operationId: 'listOwnConsents',
        summary: 'List my consents, the one that was recorded last first',
        tags,
        querystring: pageQuery,
        response: { 200: consentPage },
      },
    },
    async (request) => {
      const { principal, query } = request;
      const before = cursors.read(request, ['uuid'])?.[0] ?? null;
      const consents = await service.list(principal, requireUser(principal), query.limit, before);
      return { consents, next: cursors.next(request, consents, query.limit, (last) => [last.consent_id]) };
    },
  );
  app.post(
    own,
    {
      config: { scope: 'me', errors: ['not_found', 'invalid_notification', 'rate_limited'] },
      schema: {
        operationId: 'recordOwnConsent',
        summary: 'Record that I granted or withdrew consent',
        tags,
        body: newConsent,
        response: { 201: recordedConsent },
      },
    },
    async ({ principal, body }, reply) =>
      reply.status(201).send(await service.record(principal, requireUser(principal), body)),
  );
}
