import { z } from 'zod';
import { MAX_PREVIEWED } from '../../notify/segments/segments.ts';
import { cursorQuery, limitQuery, listOf, nextCursor, pathText, userId } from './common.ts';

/* Segments: conditions over the profile, which the catalog names. */

const name = pathText.max(128).meta({ examples: ['LAPSED'] });

export const segmentParams = z.object({ name });

export const segment = z
  .object({
    name: z.string().meta({ examples: ['LAPSED'] }),
    description: z.string().nullable(),
    condition: z.string().meta({ description: 'CEL over `user` and `now`', examples: ['user.plan == "pro"'] }),
    rules: listOf(z.string()).describe('Rules of the catalog that name it'),
  })
  .meta({ id: 'Segment', description: 'A named condition over the profile of users' });

export const segmentPage = z
  .object({ catalog_version: z.int(), segments: listOf(segment) })
  .meta({ id: 'SegmentPage', description: 'The segments of the active catalog, in the order of its file' });

export const segmentQuery = z.strictObject({ limit: limitQuery, after: cursorQuery });

const segmentUser = z
  .object({
    user_id: userId,
    addresses: z
      .record(z.string(), z.string())
      .meta({ description: 'Masked, by kind', examples: [{ email: 'm…@example.com' }] }),
  })
  .meta({ id: 'SegmentUser' });

export const segmentUsers = z
  .object({
    users: listOf(segmentUser),
    examined: z.int().describe('Users whose profile was looked at'),
    next: nextCursor,
  })
  .meta({
    id: 'SegmentUsers',
    description: 'Users in the order of their ids; a page may be short, or empty, and have a `next`',
  });

const MAX_CONDITION_CHARS = 4000;

export const previewBody = z
  .union(
    [
      z.strictObject({ segment: name.describe('A segment of the active catalog') }),
      z.strictObject({
        condition: pathText
          .max(MAX_CONDITION_CHARS)
          .describe('CEL over `user` and `now`, checked as that of a segment'),
      }),
    ],
    { error: 'write segment, or condition, and nothing else' },
  )
  .meta({ id: 'SegmentPreviewRequest', examples: [{ condition: 'has(user.email)' }] });

export const segmentPreview = z
  .object({
    condition: z.string(),
    catalog_version: z.int(),
    users: z.int().describe('Users that there are, without those who are known by an address alone'),
    examined: z.int().describe(`Users whose profile was looked at, evenly over their ids: at most ${MAX_PREVIEWED}`),
    count: z.int().describe('Users in the segment; if not all were examined, by the share of those that were'),
    exact: z.boolean().describe('Whether all users were examined'),
    sample: listOf(segmentUser).describe('Some of them'),
  })
  .meta({ id: 'SegmentPreview', description: 'How many users a condition is true for, and who' });
