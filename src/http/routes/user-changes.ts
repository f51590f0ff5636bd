import { type ProblemPart, type RejectionCode, TidingsError } from '../../errors.ts';
import { changeProfiles } from '../../ingest/change-profiles.ts';
import type { EventResult } from '../../ingest/results.ts';
import type { JsonObject } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import { findUnusableAddresses, type UnusableAddress } from '../../privacy/read-address.ts';
import { appendAuditEntry } from '../../store/audit-log.ts';
import { loadTraits } from '../../store/users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { userBody, userDetails, userParams, usersBody, usersResult } from '../schemas/user-requests.ts';
import { showUser } from '../show-user.ts';

const MAX_BODY_BYTES = 5 * 1024 * 1024;
const TAGS = ['users'];

/**
 * Users are changed by an event, `profile.updated`, which is ingested like a posted one: rules may react to it, and the newest
 * event time wins.
 */
export function registerUserChangeRoutes(app: App, { database, pipeline, seal, clock }: HttpDependencies): void {
  app.put(
    '/api/v1/users/:user_id',
    {
      config: { scope: 'users:write', errors: ['overloaded'] },
      schema: {
        operationId: 'putUser',
        summary: 'Replace all traits of a user; those that are left out are set to null',
        tags: TAGS,
        params: userParams,
        body: userBody,
        response: { 200: userDetails },
      },
    },
    async ({ principal, params: { user_id }, body: { traits } }) => {
      const known = await loadTraits(database.forTenant(principal.tenantId), seal, principal.tenantId, user_id);
      const missing = Object.entries(known).filter(([name, value]) => value !== null && !Object.hasOwn(traits, name));
      return change(principal, user_id, { ...Object.fromEntries(missing.map(([name]) => [name, null])), ...traits });
    },
  );

  app.patch(
    '/api/v1/users/:user_id',
    {
      config: { scope: 'users:write', errors: ['overloaded'] },
      schema: {
        operationId: 'patchUser',
        summary: 'Set some traits of a user, who need not be known; the others stay',
        tags: TAGS,
        params: userParams,
        body: userBody,
        response: { 200: userDetails },
      },
    },
    async ({ principal, params: { user_id }, body: { traits } }) => change(principal, user_id, traits),
  );

  app.post(
    '/api/v1/users/bulk',
    {
      bodyLimit: MAX_BODY_BYTES,
      config: { scope: 'users:write', errors: ['overloaded'] },
      schema: {
        operationId: 'putUsers',
        summary: 'Set traits of up to 1,000 users, with a result for each',
        tags: TAGS,
        body: usersBody,
        response: { 200: usersResult },
      },
    },
    async ({ principal, body: { users }, bodyBytes }) => {
      const unusable = users.map(({ traits }) => findUnusableAddresses(traits)[0]);
      const usable = users.filter((_, index) => unusable[index] === undefined);
      const changes = usable.map(({ user_id: userId, traits }) => ({ userId, traits }));
      const by = { by: principal.actor, now: clock(), bytes: bodyBytes };
      const found = await changeProfiles(pipeline, principal.tenantId, changes, by);
      const byUser = new Map(usable.map((user, place) => [user, found[place] as EventResult]));
      const results = users.map((user, index) => {
        const wrong = unusable[index];
        return wrong ? toUnusable(user.user_id, wrong) : toResult(user.user_id, byUser.get(user) as EventResult);
      });
      const stored = results.filter(({ status }) => status === 'stored').length;
      const { tenantId, actor } = principal;
      const entry = { tenantId, actor, action: 'users.changed', subject: `${stored} users`, detail: { stored } };
      if (stored > 0) await appendAuditEntry(database.forTenant(tenantId), entry, clock());
      return { stored, rejected: results.length - stored, results };
    },
  );

  async function change(principal: Principal, userId: string, traits: JsonObject) {
    const { tenantId, actor } = principal;
    const errors = findUnusableAddresses(traits).map(toProblemPart);
    if (errors[0]) throw new TidingsError('invalid_request', errors[0].message, { errors });
    const detail = { traits: Object.keys(traits).slice(0, MAX_NAMED_TRAITS) };
    const change = { userId, traits, audit: { actor, action: 'user.changed', subject: userId, detail } };
    const [result] = await changeProfiles(pipeline, tenantId, [change], { by: actor, now: clock() });
    if (result?.code !== undefined) {
      const path = result.path ?? '';
      const pointer = path === 'user_id' ? path : path.startsWith('user_traits') ? toPointer(path) : '';
      throw new TidingsError('invalid_request', `${result.message ?? result.code}.`, { pointer });
    }
    return showUser(database.forTenant(tenantId), tenantId, userId);
  }
}

/** Names of traits that an entry of the audit log has, at most. */
const MAX_NAMED_TRAITS = 100;

function toPointer(path: string): string {
  return path === 'user_traits' ? '/traits' : `/traits/${path.slice('user_traits.'.length)}`;
}

function toProblemPart({ trait, problem }: UnusableAddress): ProblemPart {
  return { pointer: `/traits/${trait}`, message: `${trait} ${problem}` };
}

function toUnusable(user_id: string, { trait, problem }: UnusableAddress) {
  const code = 'invalid_address' as const;
  return { user_id, status: 'rejected' as const, code, path: `traits.${trait}`, message: `${trait} ${problem}` };
}

function toResult(user_id: string, { code, path, message }: EventResult) {
  if (code === undefined) return { user_id, status: 'stored' as const };
  return {
    user_id,
    status: 'rejected' as const,
    code: code as RejectionCode,
    ...(path !== undefined && { path: path.replace(/^user_traits/, 'traits') }),
    ...(message !== undefined && { message: message.replace(/^user_traits/, 'traits') }),
  };
}
