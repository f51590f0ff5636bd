import { z } from 'zod';
import type { MergeView } from '../../ingest/merge-users.ts';
import { timestamp, userId } from './common.ts';

/* Merges of users. */

export const mergeBody = z
  .strictObject({
    into: z
      .string()
      .min(1)
      .max(256)
      .meta({ description: 'Your id of the survivor', examples: ['user-7'] }),
  })
  .meta({ id: 'MergeBody' });

const count = z.int().min(0);

export const userMerge = z
  .object({
    user_id: userId,
    merged_into: userId,
    merged_at: timestamp,
    moved: z
      .object({
        addresses: count,
        devices: count,
        waits: count.describe('Rules that wait; each keeps its due time'),
        notifications: count.describe('Notifications that are not sent yet'),
        inbox_items: count,
        limit_uses: count.describe('Uses of limits that the survivor did not have'),
      })
      .describe('What went to the survivor; nothing if they were merged before'),
  })
  .meta({ id: 'UserMerge', description: 'The merge of a user into another' }) satisfies z.ZodType<MergeView>;
