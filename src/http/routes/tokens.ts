import { TidingsError } from '../../errors.ts';
import type { JsonObject } from '../../model/event.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { lockAccess } from '../../store/members/lock-access.ts';
import { listSigningKeys, type SigningKey } from '../../store/members/signing-keys.ts';
import { withTransaction } from '../../store/pg/transaction.ts';
import { parseDuration } from '../../time/duration.ts';
import { isoTime, isoTimeOrNull } from '../../time/iso-time.ts';
import { MAX_LIFETIME_MS, rotateSigningKey, signUserToken } from '../../tokens/own-tokens.ts';
import type { App, HttpDependencies } from '../app.ts';
import {
  newToken,
  rotatedSigningKey,
  signingKeyList,
  signingKeyRotation,
  tokenParams,
  userToken,
} from '../schemas/issuers.ts';

const DEFAULT_LIFETIME = '15m';
const MIN_LIFETIME_MS = 60_000;

/** Tokens that Tidings signs for users of a tenant, and the keys that sign them. */
export function registerTokenRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  app.post(
    '/api/v1/users/:user_id/tokens',
    {
      config: { scope: 'tokens:write' },
      schema: {
        operationId: 'makeToken',
        summary: 'Make a token with which a user reaches /api/v1/me, and nothing else',
        tags: ['tokens'],
        params: tokenParams,
        body: newToken.nullish(),
        response: { 201: userToken },
      },
    },
    async ({ principal, params, body }, reply) => {
      const lifetime = readLifetime(body?.lifetime ?? DEFAULT_LIFETIME);
      const now = clock();
      const context = { pool: database.forTenant(principal.tenantId), seal, tenantId: principal.tenantId, now };
      const token = await signUserToken(context, params.user_id, lifetime);
      const expires_at = isoTime((Math.floor(now / 1000) + Math.floor(lifetime / 1000)) * 1000);
      return reply.status(201).header('cache-control', 'no-store').send({ token, user_id: params.user_id, expires_at });
    },
  );

  app.get(
    '/api/v1/signing-keys',
    {
      config: { scope: 'issuers:read' },
      schema: {
        operationId: 'listSigningKeys',
        summary: 'List the keys that sign the tokens of this tenant, the one that signs first',
        tags: ['tokens'],
        response: { 200: signingKeyList },
      },
    },
    async ({ principal }) => ({
      signing_keys: (await listSigningKeys(database.forTenant(principal.tenantId), principal.tenantId)).map((key) => ({
        key_id: key.keyId,
        public_key: key.publicKey,
        created_at: isoTime(key.createdAt),
        retired_at: isoTimeOrNull(key.retiredAt),
      })),
    }),
  );

  app.post(
    '/api/v1/signing-keys/rotate',
    {
      config: { scope: 'issuers:write' },
      schema: {
        operationId: 'rotateSigningKey',
        summary: 'Sign with a new key; tokens of the earlier one stay valid until they expire, unless they are revoked',
        tags: ['tokens'],
        body: signingKeyRotation.nullish(),
        response: { 201: rotatedSigningKey },
      },
    },
    async ({ principal, body }, reply) => {
      const { tenantId, actor } = principal;
      const revoke = body?.revoke ?? false;
      const now = clock();
      const key_id = await withTransaction(database.forTenant(principal.tenantId), async (connection) => {
        await lockAccess(connection, tenantId);
        const before = toState(await listSigningKeys(connection, tenantId));
        const { keyId } = await rotateSigningKey(connection, { seal, tenantId, now }, revoke);
        const after = toState(await listSigningKeys(connection, tenantId));
        const states = { detail: { revoke }, before, after };
        const entry = { tenantId, actor, action: 'signing_key.rotated', subject: keyId, ...states };
        await appendAuditEntry(connection, entry, now);
        return keyId;
      });
      return reply.status(201).send({ key_id });
    },
  );
}

/** Returns the keys of a tenant as the audit log shows them: the one that signs, and those that only verify. */
function toState(keys: readonly SigningKey[]): JsonObject | null {
  if (keys.length === 0) return null;
  const signing = keys.find(({ retiredAt }) => retiredAt === null);
  return { signs: signing?.keyId ?? null, verify: keys.map(({ keyId }) => keyId) };
}

function readLifetime(text: string): number {
  const parsed = parseDuration(text);
  if ('ms' in parsed && parsed.ms >= MIN_LIFETIME_MS && parsed.ms <= MAX_LIFETIME_MS) return parsed.ms;
  const wrong =
    'ms' in parsed ? `is ${parsed.text}; write 1m to 24h` : 'is not a duration; write 1m to 24h, such as 15m';
  throw new TidingsError('invalid_request', `lifetime ${wrong}.`, { pointer: '/lifetime' });
}
