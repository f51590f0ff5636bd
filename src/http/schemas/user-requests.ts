import { z } from 'zod';
import { REJECTION_CODES, type RejectionCode } from '../../errors.ts';
import type { AddressKind } from '../../model/event.ts';
import { cursorQuery, jsonInput, limitQuery, listOf, nextCursor, pathText, userId, userIdParam } from './common.ts';
import { profileFields } from './users.ts';

/* Users as callers find and change them. */

/** Users that one request changes, at most. */
export const MAX_USERS_PER_REQUEST = 1000;

export const userParams = z.object({ user_id: userIdParam });

export const usersQuery = z
  .strictObject({
    prefix: pathText.or(z.literal('')).default('').meta({ description: 'Start of the id' }),
    contains: pathText.optional().meta({ description: 'A part of the id' }),
    name: pathText.optional().meta({
      description:
        'Start of the name or of its last word, in small or capital letters: of the trait `name`, `full_name` or `user_name`, or of `first_name` and `last_name`',
      examples: ['Maria'],
    }),
    limit: limitQuery,
    after: cursorQuery,
  })
  .refine(({ name, prefix, contains }) => name === undefined || (prefix === '' && contains === undefined), {
    error: 'cannot be combined with prefix or contains; ask for one of them',
    path: ['name'],
  });

export const userPage = z
  .object({ users: listOf(z.object({ user_id: userId }).meta({ id: 'User' })), next: nextCursor })
  .meta({ id: 'UserPage', description: 'Users in the order of their ids, or, for a name, of what of it begins so' });

export const userSearch = z
  .strictObject({
    kind: z.enum(['email', 'phone'] satisfies readonly AddressKind[]),
    address: z
      .string()
      .trim()
      .min(3)
      .max(320)
      .meta({ description: 'An email address, or a number in E.164 form', examples: ['maria@example.com'] }),
  })
  .meta({ id: 'UserSearch', description: 'An address; in the body, because URLs are logged' });

export const userDetails = z
  .object({ user_id: userId, ...profileFields })
  .meta({ id: 'UserDetails', description: 'A user with what is known of them; addresses masked' });

const traits = jsonInput.meta({
  description: 'What is true of the user; a trait that is null is removed',
  examples: [{ email: 'maria@example.com', name: 'Maria Silva', time_zone: 'Europe/Lisbon', locale: 'pt-PT' }],
});

export const userBody = z.strictObject({ traits }).meta({ id: 'UserBody' });

export const usersBody = z
  .strictObject({
    users: z
      .array(
        z.strictObject({
          user_id: z
            .string()
            .min(1)
            .max(256)
            .meta({ examples: ['user-1042'] }),
          traits,
        }),
      )
      .min(1)
      .max(MAX_USERS_PER_REQUEST),
  })
  .meta({ id: 'UsersBody' });

/** Codes of rejected events, and that of an address to which no message can go. */
const CODES = [...(Object.keys(REJECTION_CODES) as RejectionCode[]), 'invalid_address'] as const;

export const usersResult = z
  .object({
    stored: z.int().describe('Users that have these traits now'),
    rejected: z.int(),
    results: listOf(
      z.object({
        user_id: userId,
        status: z.enum(['stored', 'rejected']),
        code: z.exactOptional(z.enum(CODES)),
        path: z.exactOptional(z.string()).describe('The field that is wrong'),
        message: z.exactOptional(z.string()),
      }),
    ).describe('One for each user, in the order of the request'),
  })
  .meta({ id: 'UsersResult' });

export const userArchive = z.string().meta({
  id: 'UserArchive',
  format: 'binary',
  description:
    'A tar archive; README.txt in it says what its files are. A connection that breaks off before the end is an error',
});
