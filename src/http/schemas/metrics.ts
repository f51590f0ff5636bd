import { z } from 'zod';
import type { MetricValues } from '../../analytics/metric-values.ts';
import { MAX_POINTS, MAX_TREND_POINTS, METRIC_GROUPS } from '../../analytics/read-metrics.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { GRAINS } from '../../store/metrics/counters.ts';
import { MARKER_KINDS, MAX_MARKERS } from '../../store/metrics/list-markers.ts';
import { MAX_GROUPS } from '../../store/metrics/read-rollups.ts';
import { listOf, pathText, timestamp, timeText } from './common.ts';

/* Metrics: sums of what was decided, sent and reported. */

const VERSION_HINT = 'write the number of a catalog version';

/** A name in a query. */
const name = pathText.max(256);

/** Filter of the metrics. */
export const metricFilter = {
  from: timeText()
    .optional()
    .meta({ description: 'Start of the span; absent: 30 days before its end', examples: ['2026-01-01T00:00:00Z'] }),
  to: timeText()
    .optional()
    .meta({ description: 'End of the span; absent: now', examples: ['2026-02-01T00:00:00Z'] }),
  type: name.optional().meta({ description: 'Only of this notification type', examples: ['WELCOME_EMAIL'] }),
  channel: z
    .enum(CHANNELS)
    .optional()
    .meta({ description: 'Only of this channel', examples: ['email'] }),
  provider: name.optional().meta({
    description: 'Only by this provider. Of provider, locale, variant, version and rule, one can be asked for',
  }),
  account: name.optional().meta({ description: 'Only by this account of the provider' }),
  locale: name.optional().meta({ description: 'Only in this locale of the template' }),
  variant: name.optional().meta({
    description: 'Only of this variant in a test of templates; those of the split of a rule are in experiments',
  }),
  version: z.coerce
    .number(VERSION_HINT)
    .int(VERSION_HINT)
    .min(1, VERSION_HINT)
    .max(2 ** 31 - 1, VERSION_HINT)
    .optional()
    .meta({
      description: 'Only as this catalog version decided',
    }),
  rule: name.optional().meta({ description: 'Only by this rule: its decisions; sums of its messages are null' }),
};

export const metricSummaryQuery = z.strictObject(metricFilter);

export const metricGroupQuery = z.strictObject({
  ...metricFilter,
  by: z
    .enum(METRIC_GROUPS)
    .default('type')
    .meta({
      description: 'What to group by; variants are those of tests of templates, not of rules',
      examples: ['type'],
    }),
  trend: z
    .enum(GRAINS)
    .optional()
    .meta({
      description: `Length of the points of a trend of each group, at most ${MAX_TREND_POINTS} of them; absent: no trend`,
    }),
});

export const metricSeriesQuery = z.strictObject({
  ...metricFilter,
  grain: z
    .enum(GRAINS)
    .optional()
    .meta({
      description: `Length of a point, at most ${MAX_POINTS} of them; absent: one that fits the span. Weeks begin on Monday, all in UTC`,
      examples: ['day'],
    }),
});

const count = z.int();
/** Null: what was asked for does not keep it. */
const known = count.nullable();
const rate = z.number().nullable();
const time = z.number().nullable();

const metricValues = z
  .object({
    events: known.describe('Events that were decided, of all types; null where a type or channel is asked for'),
    decided: known.describe('Notifications that rules decided to send'),
    held: known.describe('Decisions not to send a notification: see reasons'),
    planned: known.describe('Messages that were planned, one for each channel and device'),
    sent: known.describe('Messages that a provider accepted'),
    sandboxed: known.describe('Messages that stayed in the sandbox'),
    undeliverable: known.describe('Messages without an address to go to'),
    dropped: known.describe(
      'Messages that preferences, consent or hours dropped, at the decision or when they were due',
    ),
    dead: known.describe('Messages that were rejected, or whose retries are exhausted'),
    in_doubt: known.describe('Messages that may have been sent'),
    cancelled: known,
    attempts: known.describe('Attempts of the messages that ended'),
    confirmable: known.describe(
      'Messages sent of which it becomes known whether they arrived: those in the inbox, and those of providers with receipts',
    ),
    delivered: known.describe(
      'Messages that arrived: a receipt says so, the user opened, read or clicked, or it is in the inbox; null: no message can have a receipt',
    ),
    unconfirmed: known.describe('Messages about which no receipt came in time'),
    bounced: known,
    failed: known.describe('Messages that a provider accepted, and later reported as failed'),
    complained: known,
    opened: known.describe('Messages that the user opened, read or clicked, or saw in the inbox'),
    clicked: known,
    read: known,
    unsubscribed: known,
    aimed: known.describe('Notifications of types that have a goal'),
    goals: known.describe('Notifications whose goal came'),
    error_rate: rate.describe('Dead, bounced and failed ones, of those that were sent or are dead; null: of none'),
    delivery_rate: rate.describe('Delivered, of the confirmable ones; null: of none'),
    open_rate: rate.describe('Opened, of those delivered; null: of none'),
    click_rate: rate.describe('Clicked, of those delivered; null: of none'),
    read_rate: rate.describe('Read, of those delivered; null: of none'),
    bounce_rate: rate.describe('Bounced, of the confirmable ones; null: of none'),
    complaint_rate: rate.describe('Complained about, of those delivered; null: of none'),
    unsubscribe_rate: rate.describe('Unsubscribed, of those delivered; null: of none'),
    goal_rate: rate.describe('Notifications with their goal, of those whose type has one; null: of none'),
    avg_delivery_time_ms: time.describe('From the decision until a provider accepted it, waits of the plan included'),
    p50_delivery_time_ms: time.describe('Half of them took at most this long; an estimate from classes'),
    p95_delivery_time_ms: time.describe('95% of them took at most this long; an estimate from classes'),
  })
  .meta({
    id: 'MetricValues',
    description:
      'Sums, rates and times. A message counts at the time at which it ended, and its receipts with it. A sum is null where what was ' +
      'asked for does not keep it, as docs/analytics.md says',
  }) satisfies z.ZodType<MetricValues>;

const costs = listOf(z.object({ currency: z.string(), amount: z.number() }))
  .nullable()
  .describe('By currency; null: not known by what was asked for');

/** Span of an answer. */
export const span = {
  from: timestamp.describe('Start of the span, at the start of the first minute, hour or day that is counted'),
  to: timestamp.describe('End of the span, likewise'),
  as_of: timestamp.describe('What happened until then is counted'),
};

export const metricSummary = z
  .object({ ...span, metrics: metricValues, costs })
  .meta({ id: 'MetricSummary', description: 'What happened in a span of time' });

export const channelMetrics = z
  .object({ ...span, channels: listOf(z.object({ channel: z.enum(CHANNELS), metrics: metricValues, costs })) })
  .meta({ id: 'ChannelMetrics', description: 'What happened on each channel' });

export const metricGroups = z
  .object({
    ...span,
    by: z.enum(METRIC_GROUPS),
    groups: listOf(
      z.object({
        key: z.string().describe('The value; of an account, PROVIDER/ACCOUNT. (other): many rare ones together'),
        metrics: metricValues,
        costs: costs.describe('By currency; null: not known by what was asked for, or grouped by'),
        trend: listOf(count)
          .nullable()
          .describe('Messages that were sent in each point of the span, in order of time; null: not asked for'),
      }),
    ),
    has_more: z.boolean().describe(`True if there are more than ${MAX_GROUPS}`),
  })
  .meta({ id: 'MetricGroups', description: 'What happened, in groups; the largest first' });

const marker = z
  .object({
    at: timestamp,
    kind: z.enum(MARKER_KINDS),
    version: z.int().describe('The version that became active, or is released'),
    from: z.int().nullable().describe('The version before'),
    release_id: z.string().nullable(),
    share: z.number().nullable().describe('Percentage of the users who have it'),
    by: z.string(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'MetricMarker', description: 'A change of the catalog, for a chart' });

export const metricSeries = z
  .object({
    ...span,
    grain: z.enum(GRAINS),
    points: listOf(z.object({ at: timestamp.describe('Start of the point'), metrics: metricValues })),
    markers: listOf(marker).describe(
      `Changes of the catalog in the span, in order of time; at most ${MAX_MARKERS}, the latest`,
    ),
  })
  .meta({ id: 'MetricSeries', description: 'What happened, over time' });

export const metricReasons = z
  .object({
    ...span,
    reasons: listOf(
      z.object({
        code: z.string().meta({ description: 'As in docs/errors.md', examples: ['limit_reached'] }),
        held: known.describe('Notifications that were not sent for it; null where a channel is asked for'),
        dropped: count.describe('Messages that it dropped'),
        undeliverable: count,
        dead: count,
        in_doubt: count,
        cancelled: count,
      }),
    ),
    has_more: z.boolean().describe(`True if there are more than ${MAX_GROUPS}`),
  })
  .meta({ id: 'MetricReasons', description: 'What each reason held back; the most first' });
