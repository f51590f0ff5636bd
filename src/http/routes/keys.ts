import { z } from 'zod';
import { TidingsError } from '../../errors.ts';
import type { KeyChange, Keys } from '../../tenants/keys.ts';
import { parseDuration } from '../../time/duration.ts';
import type { App, HttpDependencies } from '../app.ts';
import { Cursors } from '../cursor.ts';
import { pageQuery } from '../schemas/common.ts';
import { apiKey, apiKeyPage, issuedKey, keyChange, newKey, rotatedKey, rotation } from '../schemas/keys.ts';

/** The longest time in ms for which a rotated key still works: 30 days. */
const MAX_OVERLAP_MS = 30 * 24 * 3_600_000;

const params = z.object({
  id: z
    .string()
    .max(256)
    .meta({ description: 'The id of the key', examples: ['4fT0kQzB'] }),
});

/** Registers the routes of API keys. */
export function registerKeyRoutes(app: App, { seal }: HttpDependencies, keys: Keys): void {
  const cursors = new Cursors(seal);
  app.get(
    '/api/v1/keys',
    {
      config: { scope: 'keys:read' },
      schema: {
        operationId: 'listKeys',
        summary: 'List API keys, newest first',
        tags: ['keys'],
        querystring: pageQuery,
        response: { 200: apiKeyPage },
      },
    },
    async (request) => {
      const { limit } = request.query;
      const cursor = cursors.read(request, ['number', 'text']);
      const before = cursor && { createdAt: cursor[0], keyId: cursor[1] };
      const listed = await keys.list(request.principal, limit, before);
      const next = cursors.next(request, listed, limit, (last) => [Date.parse(last.created_at), last.key_id]);
      return { keys: listed, next };
    },
  );

  app.post(
    '/api/v1/keys',
    {
      config: { scope: 'keys:write', errors: ['too_many_keys'] },
      schema: {
        operationId: 'createKey',
        summary: 'Create an API key; the response shows it this once',
        tags: ['keys'],
        body: newKey,
        response: { 201: issuedKey },
      },
    },
    async ({ principal, body, operationId }, reply) => {
      const { key, text } = await keys.create(principal, {
        operationId,
        name: body.name,
        environment: body.environment ?? principal.environment,
        scopes: body.scopes,
        isInstallation: body.is_installation,
        perMinute: body.per_minute,
        expiresAt: toMillis(body.expires_at),
      });
      return reply.status(201).send({ ...key, key: text });
    },
  );

  app.get(
    '/api/v1/keys/:id',
    {
      config: { scope: 'keys:read', errors: ['not_found'] },
      schema: {
        operationId: 'getKey',
        summary: 'Show an API key, without its text',
        tags: ['keys'],
        params,
        response: { 200: apiKey },
      },
    },
    async ({ principal, params: { id } }) => keys.get(principal, id),
  );

  app.patch(
    '/api/v1/keys/:id',
    {
      config: { scope: 'keys:write', errors: ['not_found', 'key_ended'] },
      schema: {
        operationId: 'updateKey',
        summary: 'Change the name, scopes, limit or expiry of an API key',
        tags: ['keys'],
        params,
        body: keyChange,
        response: { 200: apiKey },
      },
    },
    async ({ principal, params: { id }, body }) => {
      const { name, scopes, per_minute, expires_at } = body;
      const change: KeyChange = {
        ...(name !== undefined && { name }),
        ...(scopes !== undefined && { scopes }),
        ...(per_minute !== undefined && { perMinute: per_minute }),
        ...(expires_at !== undefined && { expiresAt: toMillis(expires_at) }),
      };
      return keys.update(principal, id, change);
    },
  );

  app.post(
    '/api/v1/keys/:id/rotate',
    {
      config: { scope: 'keys:write', errors: ['not_found', 'key_ended', 'too_many_keys'] },
      schema: {
        operationId: 'rotateKey',
        summary: 'Replace an API key by one with the same rights; the old one still works for the overlap',
        tags: ['keys'],
        params,
        body: rotation.nullish(),
        response: { 201: rotatedKey },
      },
    },
    async ({ principal, params: { id }, body, operationId }, reply) => {
      const overlap = parseOverlap(body?.overlap ?? '24h');
      const { key, text, replaced } = await keys.rotate(principal, id, overlap, operationId);
      return reply.status(201).send({ ...key, key: text, replaced });
    },
  );

  app.delete(
    '/api/v1/keys/:id',
    {
      config: { scope: 'keys:write', errors: ['not_found'] },
      schema: {
        operationId: 'revokeKey',
        summary: 'Revoke an API key: it stops working at once, and stays in the list',
        tags: ['keys'],
        params,
        response: { 200: apiKey },
      },
    },
    async ({ principal, params: { id } }) => keys.revoke(principal, id),
  );
}

function toMillis(time: string | null): number | null {
  return time === null ? null : Date.parse(time);
}

function parseOverlap(text: string): number {
  const parsed = text === '0' || text === '0s' ? { ms: 0 } : parseDuration(text);
  if ('message' in parsed) {
    throw new TidingsError('invalid_request', `${parsed.message}; ${parsed.hint}`, { pointer: '/overlap' });
  }
  if (parsed.ms > MAX_OVERLAP_MS) {
    throw new TidingsError('invalid_request', 'The overlap is longer than 30d.', { pointer: '/overlap' });
  }
  return parsed.ms;
}
