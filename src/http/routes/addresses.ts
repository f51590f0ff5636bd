import { TidingsError } from '../../errors.ts';
import type { AddressKind } from '../../model/event.ts';
import type { Principal } from '../../model/principal.ts';
import { readAddress } from '../../privacy/read-address.ts';
import { MAX_ADDED_ADDRESSES } from '../../store/addresses.ts';
import { announceDeliveries } from '../../store/deliveries/delivery-queue.ts';
import { findSurvivor } from '../../store/merge/merged-users.ts';
import {
  type AddressChanger,
  addUserAddress,
  listUserAddresses,
  makeAddressPrimary,
  removeUserAddress,
} from '../../store/user-addresses.ts';
import type { App, HttpDependencies } from '../app.ts';
import { addressesParams, addressParams, newAddress, userAddress, userAddresses } from '../schemas/addresses.ts';
import { unknownUser } from '../unknown-user.ts';

const PATH = '/api/v1/users/:user_id/addresses';
const TAGS = ['users'];

/** Addresses of a user beside that of the traits: listed masked, added, made the one that receives, removed. */
export function registerAddressRoutes(app: App, { database, seal, clock }: HttpDependencies): void {
  const changer = async ({ tenantId, actor }: Principal, userId: string): Promise<AddressChanger> => {
    return {
      tenantId,
      userId: await findSurvivor(database.forTenant(tenantId), tenantId, userId),
      actor,
      now: clock(),
    };
  };

  app.get(
    PATH,
    {
      config: { scope: 'users:read', errors: ['not_found'] },
      schema: {
        operationId: 'listAddresses',
        summary: 'List the addresses of a user, masked; the one of each kind that receives comes first',
        tags: TAGS,
        params: addressesParams,
        response: { 200: userAddresses },
      },
    },
    async ({ principal: { tenantId }, params: { user_id } }) => {
      const pool = database.forTenant(tenantId);
      const userId = await findSurvivor(pool, tenantId, user_id);
      const addresses = await listUserAddresses(pool, tenantId, userId);
      if (!addresses) throw unknownUser();
      return { user_id: userId, addresses };
    },
  );

  app.post(
    PATH,
    {
      config: { scope: 'users:write', errors: ['not_found', 'too_many_addresses'] },
      schema: {
        operationId: 'addAddress',
        summary: 'Add an address of a user beside that of the traits; one that is there already stays',
        tags: TAGS,
        params: addressesParams,
        body: newAddress,
        response: { 200: userAddress, 201: userAddress },
      },
    },
    async ({ principal, params, body }, reply) => {
      const { kind, primary: isPrimary } = body;
      const address = requireAddress(kind, body.address);
      const pool = database.forTenant(principal.tenantId);
      const by = await changer(principal, params.user_id);
      const added = await addUserAddress(pool, seal, by, { kind, address, isPrimary });
      if (added === 'unknown_user') throw unknownUser();
      if (added === 'too_many')
        throw new TidingsError(
          'too_many_addresses',
          `${MAX_ADDED_ADDRESSES} addresses of this kind were added to the user, the most that may be; remove one that is no longer used.`,
        );
      if (added.isFirst) await announceDeliveries(pool);
      return reply.status(added.isNew ? 201 : 200).send(added.view);
    },
  );

  app.post(
    `${PATH}/:address_id/primary`,
    {
      config: { scope: 'users:write', errors: ['not_found'] },
      schema: {
        operationId: 'makeAddressPrimary',
        summary: 'Make an address of a user the one of its kind that messages go to',
        tags: TAGS,
        params: addressParams,
        response: { 200: userAddress },
      },
    },
    async ({ principal, params: { user_id, address_id } }) => {
      const pool = database.forTenant(principal.tenantId);
      const view = await makeAddressPrimary(pool, await changer(principal, user_id), address_id.toLowerCase());
      if (!view) throw unknownAddress();
      return view;
    },
  );

  app.delete(
    `${PATH}/:address_id`,
    {
      config: { scope: 'users:write', errors: ['not_found', 'address_of_traits'] },
      schema: {
        operationId: 'removeAddress',
        summary: 'Remove an address of a user; if messages went to it, they go to the next of its kind',
        tags: TAGS,
        params: addressParams,
        response: { 200: userAddress },
      },
    },
    async ({ principal, params: { user_id, address_id } }) => {
      const pool = database.forTenant(principal.tenantId);
      const removed = await removeUserAddress(pool, await changer(principal, user_id), address_id.toLowerCase());
      if (removed === 'of_traits')
        throw new TidingsError(
          'address_of_traits',
          'The traits of the user have this address; send an event with another one, or with an empty text, to remove it.',
        );
      if (!removed) throw unknownAddress();
      return removed;
    },
  );
}

/** Returns an address as it is kept. @throws TidingsError if it is invalid */
function requireAddress(kind: AddressKind, text: string): string {
  const read = readAddress(kind, text);
  if ('problem' in read) throw wrongAddress(`address ${read.problem}`);
  return read.address;
}

function wrongAddress(message: string): TidingsError {
  return new TidingsError('invalid_request', message, { pointer: '/address' });
}

function unknownAddress(): TidingsError {
  return new TidingsError('not_found', 'The user has no such address; list the addresses to see their ids.', {
    pointer: 'address_id',
  });
}
