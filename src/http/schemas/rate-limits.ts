import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { MAX_RATE, RATE_PERIODS, type RateLimit } from '../../model/rate-limit.ts';

const count = z.int().min(1).max(MAX_RATE);

/** A rate limit of messages. */
export const rateLimit = z
  .strictObject({
    per_second: count.optional(),
    per_minute: count.optional(),
    per_hour: count.optional(),
    per_day: count.optional(),
    burst: count
      .optional()
      .describe('Messages that may follow at once in the shortest period given; by default all of that period'),
  })
  .refine(
    (limit) => RATE_PERIODS.some((period) => limit[period] !== undefined),
    `must have at least one of ${RATE_PERIODS.join(', ')}`,
  )
  .meta({
    id: 'RateLimit',
    description: 'How many messages may be sent; what is beyond it waits, and nothing is dropped',
    examples: [{ per_second: 14, per_day: 50_000 }],
  }) as unknown as z.ZodType<RateLimit, RateLimit>;

const scopes = z.strictObject({
  tenant: rateLimit.optional().describe('Of all messages of the tenant on the channel'),
  user: rateLimit.optional().describe('Of the messages of each user on the channel'),
});

/** Limits of a tenant by channel. */
export const channelLimits = z
  .strictObject(
    Object.fromEntries(CHANNELS.map((channel) => [channel, scopes.optional()])) as {
      [channel in (typeof CHANNELS)[number]]: z.ZodOptional<typeof scopes>;
    },
  )
  .meta({
    description: 'Rate limits of messages by channel, of the tenant and of each of its users',
    examples: [{ sms: { tenant: { per_minute: 600 }, user: { per_day: 10 } } }],
  });
