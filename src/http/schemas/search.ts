import { z } from 'zod';
import { SCOPES } from '../../model/principal.ts';
import { listOf, storable, timestamp } from './common.ts';

/* One search over everything that has a name, an id or an address. */

/** Kinds that are searched, in the order of the results. */
export const SEARCHED_KINDS = [
  'user',
  'event',
  'notification',
  'delivery',
  'wait',
  'notification_type',
  'rule',
  'event_type',
  'template',
] as const;
export type SearchedKind = (typeof SEARCHED_KINDS)[number];

/** Results of a kind, at most. */
export const MAX_RESULTS = 8;
const MAX_TEXT_CHARS = 320;

export const searchBody = z
  .strictObject({
    text: storable(z.string().trim().min(1).max(MAX_TEXT_CHARS)).meta({
      description:
        'An id of a user or a part of it, the start of a name or of its last word, an email address, a phone number, the id of an event, notification, delivery or message of a provider, the key of a wait, or a part of the name of a rule, type or template',
      examples: ['maria@example.com'],
    }),
  })
  .meta({ id: 'SearchRequest', description: 'What is searched; in the body, because URLs are logged' });

const result = z
  .object({
    kind: z.enum(SEARCHED_KINDS),
    id: z.string().meta({ description: 'Id or name, as other operations take it', examples: ['u_12345'] }),
    found_by: z
      .enum(['id', 'name', 'email', 'phone', 'provider_message_id', 'key'])
      .meta({ description: 'What of it is, or has, the text' }),
    user_id: z.string().nullable().describe('Whose it is; null: it is not about one user'),
    name: z.string().nullable().describe('Its type, rule or name; null: the id says it'),
    status: z.string().nullable().describe('Of a delivery or a wait; null: it is without one'),
    at: timestamp.nullable().describe('When it happened, or is due; null: no time says something about it'),
  })
  .meta({ id: 'SearchResult', description: 'Something that was found' });

export const searchResults = z
  .object({
    results: listOf(result).describe(`At most ${MAX_RESULTS} of each kind`),
    searched: listOf(z.enum(SEARCHED_KINDS)),
    not_searched: listOf(z.object({ kind: z.enum(SEARCHED_KINDS), scope: z.enum(SCOPES) })).describe(
      'What the caller may not see, and the scope that it needs',
    ),
    has_more: listOf(z.enum(SEARCHED_KINDS)).describe('Kinds of which there is more'),
    partly_searched: listOf(z.enum(SEARCHED_KINDS)).describe(
      'Kinds with too many to look at all: those that only have the text in the middle of their id may be missing',
    ),
  })
  .meta({ id: 'SearchResults', description: 'What was found, and where it was searched' });
