import { z } from 'zod';
import { EXPERIMENT_VERDICTS, MIN_GOALS, MIN_USERS } from '../../analytics/read-experiments.ts';
import { FUNNEL_STAGES } from '../../analytics/read-funnel.ts';
import { METRIC_GROUPS } from '../../analytics/read-metrics.ts';
import { REASON_CODES } from '../../model/decision.ts';
import { CHANNELS, DELIVERY_REASON_CODES } from '../../model/delivery.ts';
import { PLAN_CODES } from '../../model/plan-codes.ts';
import { GRAINS } from '../../store/metrics/counters.ts';
import {
  ANOMALY_KINDS,
  ANOMALY_WEEKS,
  MAX_ANOMALIES,
  MIN_USUAL,
  SURGE_TIMES,
} from '../../store/metrics/find-anomalies.ts';
import { HELD_SOURCES } from '../../store/metrics/find-held.ts';
import { EXPORT_FORMATS, EXPORT_VIEWS } from '../export-metrics.ts';
import { cursorQuery, idOf, limitQuery, listOf, nextCursor, timestamp, userId } from './common.ts';
import { metricFilter, span } from './metrics.ts';

/* Findings in metrics: users that something was held back from, the funnel, experiments and anomalies; and their export. */

const count = z.int();
const rate = z.number().nullable();

/** Codes of decisions and of messages. */
const HELD_CODES = [...new Set([...REASON_CODES, ...PLAN_CODES, ...DELIVERY_REASON_CODES])];

export const heldUserQuery = z.strictObject({
  reason: z
    .enum(HELD_CODES)
    .meta({ description: 'A reason code, as GET /metrics/reasons lists it', examples: ['limit_reached'] }),
  type: metricFilter.type,
  from: metricFilter.from,
  to: metricFilter.to,
  limit: limitQuery,
  after: cursorQuery,
});

const heldUser = z
  .object({
    user_id: userId,
    at: timestamp.describe('When it was decided; of a message, when it ended'),
    source: z
      .enum(HELD_SOURCES)
      .describe('A decision on an event or at the end of a wait, or a message that ended without being sent'),
    type: z.string().meta({ examples: ['ORDER_SHIPPED'] }),
    rule: z.string().nullable().describe('Null: it is a message'),
    channel: z.string().nullable().describe('Null: the notification as a whole'),
    reason: z.string().describe('A sentence'),
    event_id: z.string().nullable().describe('The event that triggered the rule; null: it is a message'),
    notification_id: idOf('notification').nullable().describe('Null: no notification was made'),
  })
  .meta({ id: 'HeldUser', description: 'A user that something was held back from' });

export const heldUserPage = z
  .object({
    ...span,
    users: listOf(heldUser).describe(
      'Each decision and message. The latest first: of decisions on events, then those at ends of waits, then messages. ' +
        'Those of one event or notification stay together, also beyond the limit',
    ),
    next: nextCursor,
  })
  .meta({
    id: 'HeldUserPage',
    description:
      'Users that a reason held something back from. A page looks at a bounded number of rows, and so may be short',
  });

export const metricFunnel = z
  .object({
    ...span,
    stages: listOf(
      z.object({
        stage: z
          .enum(FUNNEL_STAGES)
          .describe('decided and goal count notifications, the others messages; sent includes those of the sandbox'),
        count: count.nullable().describe('Null: not kept by what was asked for'),
        of: z.enum(FUNNEL_STAGES).nullable().describe('Stage that it is a share of'),
        base: count
          .nullable()
          .describe(
            'The part of that stage that can come here: delivered, messages that can be confirmed; goal, notifications with one',
          ),
        rate: rate.describe('That share; null: of none'),
      }),
    ),
  })
  .meta({ id: 'MetricFunnel', description: 'How many came how far, from the decision to the goal' });

export const experimentQuery = z.strictObject({ from: metricFilter.from, to: metricFilter.to });

const interval = z.object({ low: z.number(), high: z.number() });

const experiment = z
  .object({
    rule: z.string(),
    goal: z.object({ event: z.string(), within: z.string() }),
    control: z.string().describe('The variant that the others are compared with: one that sends nothing, or the first'),
    sample_ratio_probability: z
      .number()
      .describe('Of such a division of the users, if the shares are right; below 0.001 nothing is trusted'),
    variants: listOf(
      z.object({
        variant: z.string(),
        share: z.number().nullable(),
        users: count.describe('Each counts once, in the time of the first decision'),
        goals: count.describe('Users who reached the goal'),
        goal_rate: rate,
        interval: interval.nullable().describe('Of the rate, at 95%'),
        lift: z
          .object({ difference: z.number(), low: z.number(), high: z.number() })
          .nullable()
          .describe(
            'Difference from the rate of the control, with its interval at 95% over all variants; null: the control',
          ),
        verdict: z
          .enum(EXPERIMENT_VERDICTS)
          .nullable()
          .describe(
            `not_enough_data: fewer than ${MIN_USERS} users in one of both, or ${MIN_GOALS} goals in both; null: the control`,
          ),
      }),
    ),
  })
  .meta({ id: 'Experiment', description: 'A rule that divides its users, and what became of them' });

export const experimentResults = z
  .object({ ...span, experiments: listOf(experiment).describe('Those of the active catalog whose types have a goal') })
  .meta({ id: 'ExperimentResults', description: 'Variants of rules, compared by their goal' });

export const anomalyQuery = z.strictObject({});

export const metricAnomalies = z
  .object({
    to: timestamp.describe('End of the hour that was compared last'),
    as_of: span.as_of,
    anomalies: listOf(
      z.object({
        kind: z
          .enum(ANOMALY_KINDS)
          .describe(
            `quiet: none, of what has some each week and ${MIN_USUAL} ordinarily; surge: ${SURGE_TIMES} times the usual volume`,
          ),
        of: z.enum(['notifications', 'events']),
        name: z.string().describe('Type of the notifications or events'),
        hours: z.union([z.literal(1), z.literal(24)]).describe('Length of what was compared, to `to`'),
        count: z.number(),
        usual: z.number().describe('Median of the same hours of the weeks before'),
        weeks: count.describe(`Weeks that it was compared with, up to ${ANOMALY_WEEKS}`),
        since: timestamp
          .nullable()
          .describe('End of the last hour with any; null: a surge, or quiet for more than a week'),
      }),
    ).describe(`The largest first; at most ${MAX_ANOMALIES}`),
  })
  .meta({ id: 'MetricAnomalies', description: 'Types whose volume is not the usual one' });

export const metricExportQuery = z.strictObject({
  ...metricFilter,
  channel: z.enum(CHANNELS).optional().meta({ description: 'Only of this channel' }),
  view: z.enum(EXPORT_VIEWS).meta({ description: 'The answer to export', examples: ['series'] }),
  format: z.enum(EXPORT_FORMATS).default('csv'),
  by: z.enum(METRIC_GROUPS).optional().meta({ description: 'Of the view groups: what to group by; absent: type' }),
  grain: z
    .enum(GRAINS)
    .optional()
    .meta({ description: 'Of the view series: length of a point; absent: one that fits' }),
});

export const metricExport = z.string().meta({
  id: 'MetricExport',
  description: 'CSV with a line of names, or NDJSON; both have the same fields',
  examples: ['at,events,decided\r\n2026-01-01T00:00:00.000Z,12,4\r\n'],
});
