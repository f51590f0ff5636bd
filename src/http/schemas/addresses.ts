import { z } from 'zod';
import type { AddressKind } from '../../model/event.ts';
import type { UserAddressView } from '../../store/user-addresses.ts';
import { idOf, listOf, timestamp, userId, userIdParam } from './common.ts';

/* Addresses of a user: the one of each kind that receives, and others. */

const kind = z.enum(['email', 'phone'] satisfies readonly AddressKind[]);

export const addressesParams = z.object({ user_id: userIdParam });

export const addressParams = z.object({
  user_id: userIdParam,
  address_id: z
    .string()
    .max(64)
    .meta({ examples: ['01999f3e-5c1a-8c3e-8f52-9d1a6b7c8d9e'] }),
});

export const userAddress = z
  .object({
    address_id: idOf('address'),
    kind,
    address: z.string().meta({ description: 'Masked', examples: ['m…@example.com'] }),
    primary: z.boolean().describe('Whether messages go to it: one address of each kind'),
    is_trait: z
      .boolean()
      .describe('Whether it is the one of the traits; the next event with another one, or with none, replaces it'),
    added_at: timestamp
      .nullable()
      .describe('When a request added it; null: none did, and it goes when the traits change'),
    updated_at: timestamp,
    verified_at: timestamp.nullable().describe('When the user proved to read it; null: never'),
    verify_method: z.enum(['code']).nullable(),
  })
  .meta({ id: 'UserAddress', description: 'An address of a user' }) satisfies z.ZodType<UserAddressView>;

export const userAddresses = z
  .object({ user_id: userId, addresses: listOf(userAddress) })
  .meta({ id: 'UserAddresses', description: 'By kind, the one that receives first' });

export const newAddress = z
  .strictObject({
    kind,
    address: z
      .string()
      .trim()
      .min(1)
      .max(320)
      .meta({ description: 'An email address, or a number in E.164 form', examples: ['maria@example.com'] }),
    primary: z
      .boolean()
      .default(false)
      .describe('Whether messages go to it from now on; the first one of its kind gets them in any case'),
  })
  .meta({ id: 'NewAddress', examples: [{ kind: 'email', address: 'maria@example.com' }] });
