import { z } from 'zod';
import { type ListView, MAX_LISTS } from '../../store/lists/lists.ts';
import { cursorQuery, idOf, listOf, nextCursor, pathText, storable, timestamp, userId } from './common.ts';

/* Lists: named sets of users. */

/** Users of one change of members, at most. */
const MAX_CHANGED_MEMBERS = 10_000;
/** Members of a page, at most. */
const MAX_PAGE_MEMBERS = 1000;

const name = storable(z.string().trim().min(1).max(200)).meta({ examples: ['Beta testers'] });
const description = storable(z.string().max(1000)).nullable();

export const listView = z
  .object({
    list_id: idOf('list'),
    name: z.string().meta({ examples: ['Beta testers'] }),
    description: z.string().nullable(),
    members: z.int().meta({ examples: [1200] }),
    created_by: z.string(),
    created_at: timestamp,
    updated_at: timestamp.describe('Of the last change of its name, description or members'),
  })
  .meta({ id: 'List', description: 'A named set of users' }) satisfies z.ZodType<ListView>;

export const newList = z
  .strictObject({ name: name.describe('No other list has it'), description: description.optional() })
  .meta({ id: 'NewList', description: `There are at most ${MAX_LISTS} lists`, examples: [{ name: 'Beta testers' }] });

export const listPatch = z
  .strictObject({ name: name.optional(), description: description.optional() })
  .meta({ id: 'ListChange', examples: [{ name: 'Beta testers 2026' }] });

export const listPage = z.object({ lists: listOf(listView), next: nextCursor }).meta({ id: 'ListPage' });

export const memberIds = z
  .strictObject({
    user_ids: z.array(pathText.max(256).describe('Your id of the user')).min(1).max(MAX_CHANGED_MEMBERS),
  })
  .meta({
    id: 'ListMembers',
    description: `Up to ${MAX_CHANGED_MEMBERS} users, who need not be known yet`,
    examples: [{ user_ids: ['user-1042', 'user-1043'] }],
  });

/** A line of an upload of members. */
export const memberLine = z.strictObject({ user_id: pathText.max(256) });

/** The stream itself, which the handler reads. */
export const memberLines = z.any().meta({
  description: 'Lines with `user_id`; the users need not be known yet',
  examples: ['{"user_id":"user-1042"}\n{"user_id":"user-1043"}\n'],
});

export const memberImportAnswer = z.string().meta({
  description:
    'Lines of JSON: an error (`line` from 0, `code`, `message`) for each line that names no user, the first 1,000, and a last line with `lines`, `changed`, `unchanged`, `rejected`, `empty` and `members`',
});

export const changedMembers = z
  .object({
    changed: z.int().describe('Members that were added or removed'),
    unchanged: z.int().describe('Users who were members already, or were not; repetitions are among them'),
    members: z.int().describe('Members that the list has now'),
  })
  .meta({ id: 'ChangedListMembers', examples: [{ changed: 2, unchanged: 0, members: 1202 }] });

const LIMIT_HINT = `write a whole number from 1 to ${MAX_PAGE_MEMBERS}`;

export const memberQuery = z.strictObject({
  limit: z.coerce
    .number(LIMIT_HINT)
    .int(LIMIT_HINT)
    .min(1, LIMIT_HINT)
    .max(MAX_PAGE_MEMBERS, LIMIT_HINT)
    .default(100)
    .meta({ description: 'Members of a page, at most', examples: [20] }),
  after: cursorQuery,
});

export const memberPage = z
  .object({ members: listOf(z.object({ user_id: userId, added_at: timestamp })), next: nextCursor })
  .meta({ id: 'ListMemberPage', description: 'Members in the order of their ids' });
