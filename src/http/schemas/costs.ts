import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { COST_GROUPS, type CostRow, MAX_COST_DAYS, MAX_COST_ROWS } from '../../store/costs.ts';
import { dayText, listOf } from './common.ts';

/* Costs of messages. */

const DAY_HINT = 'write a day of the calendar, such as 2026-01-31';

const day = dayText(DAY_HINT);

export const costQuery = z.strictObject({
  from: day
    .optional()
    .meta({ description: 'First day in UTC; absent: 30 days before the last one', examples: ['2026-01-01'] }),
  to: day.optional().meta({
    description: `Last day in UTC; absent: today. At most ${MAX_COST_DAYS} days`,
    examples: ['2026-01-31'],
  }),
  by: z
    .string()
    .max(100)
    .default('day,channel,provider,type')
    .meta({
      description: `What to group by, of ${COST_GROUPS.join(', ')}, with commas`,
      examples: ['channel,provider'],
    }),
});

const row = z
  .object({
    day: z.string().optional(),
    channel: z.enum(CHANNELS).optional(),
    provider: z.string().optional(),
    account: z.string().nullable().optional().describe('Null: that of the installation'),
    type: z.string().optional().describe('The notification type'),
    currency: z.string(),
    amount: z.number(),
    messages: z.int(),
    parts: z.int().describe('Billed parts; a message without parts counts as one'),
  })
  .meta({
    id: 'CostRow',
    description: 'What messages cost together; fields that are not grouped by are absent',
  }) satisfies z.ZodType<Omit<CostRow, 'day' | 'channel' | 'provider' | 'account' | 'type'>>;

export const costSummary = z
  .object({
    from: z.string(),
    to: z.string(),
    costs: listOf(row).describe('The latest day first'),
    has_more: z.boolean().describe(`True if only the first ${MAX_COST_ROWS} are listed`),
  })
  .meta({ id: 'CostSummary', description: 'What messages cost, as far as it is known' });
