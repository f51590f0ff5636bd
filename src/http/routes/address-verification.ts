import { TidingsError } from '../../errors.ts';
import { confirmCode, sendCode } from '../../notify/verify-address.ts';
import { findSurvivor } from '../../store/merge/merged-users.ts';
import type { App, HttpDependencies } from '../app.ts';
import { codeBody, sentCode, verifyBody } from '../schemas/address-verification.ts';
import { addressParams, userAddress } from '../schemas/addresses.ts';

const PATH = '/api/v1/users/:user_id/addresses/:address_id/verify';

/** Proof that a user reads what is sent to an address: a code goes there, and comes back. */
export function registerAddressVerificationRoutes(app: App, dependencies: HttpDependencies): void {
  const { database, pipeline, catalogs, seal, clock } = dependencies;

  app.post(
    PATH,
    {
      config: {
        scope: 'users:write',
        errors: ['not_found', 'unknown_type', 'invalid_notification', 'rate_limited', 'overloaded', 'not_readable'],
      },
      schema: {
        operationId: 'verifyAddress',
        summary: 'Send a code to an address of a user, by a notification',
        tags: ['users'],
        params: addressParams,
        body: verifyBody,
        response: { 202: sentCode },
      },
    },
    async ({ principal, params, body, operationId }, reply) => {
      const { tenantId, actor, scopes } = principal;
      const pool = database.forTenant(tenantId);
      const parts = { pipeline, catalogs, seal, clock, pool };
      const of = {
        userId: await findSurvivor(pool, tenantId, params.user_id),
        addressId: params.address_id.toLowerCase(),
      };
      const sent = await sendCode(parts, { tenantId, actor, scopes, operationId }, of, body.type);
      if (!sent) throw unknownAddress();
      return reply.status(202).send(sent);
    },
  );

  app.post(
    `${PATH}/confirm`,
    {
      config: { scope: 'users:write', errors: ['not_found', 'wrong_code', 'code_expired'] },
      schema: {
        operationId: 'confirmAddress',
        summary: 'Verify an address of a user by the code that was sent to it',
        tags: ['users'],
        params: addressParams,
        body: codeBody,
        response: { 200: userAddress },
      },
    },
    async ({ principal: { tenantId, actor }, params, body }) => {
      const pool = database.forTenant(tenantId);
      const userId = await findSurvivor(pool, tenantId, params.user_id);
      const of = { userId, addressId: params.address_id.toLowerCase() };
      const view = await confirmCode({ pool, seal, clock }, { tenantId, actor }, of, body.code);
      if (!view) throw unknownAddress();
      return view;
    },
  );
}

function unknownAddress(): TidingsError {
  return new TidingsError('not_found', 'The user has no such address; list the addresses to see their ids.', {
    pointer: 'address_id',
  });
}
