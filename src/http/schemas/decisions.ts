import { z } from 'zod';
import { type Decision, type Evidence, OUTCOMES, REASON_CODES, WAIT_KINDS } from '../../model/decision.ts';
import { ZONE_SOURCES } from '../../model/direct.ts';
import {
  idOf,
  json,
  jsonObject,
  limitQuery,
  listOf,
  pathText,
  timestamp,
  timeText,
  userId,
  userIdParam,
} from './common.ts';
import { verdict } from './verdicts.ts';

/* Decisions, with what they rest on. */

const eventId = z.string().meta({ examples: ['evt-8841'] });

const condition = z.object({
  expression: z.string(),
  result: z.union([z.boolean(), z.enum(['field_missing', 'error'])]),
  values: jsonObject.describe('Values of the fields that the condition names'),
  missing: z.exactOptional(listOf(z.string())),
  error: z.exactOptional(z.string()),
});

const pattern = z.object({
  after: z.string(),
  within: z.string(),
  from: timestamp,
  to: timestamp,
  matched: z
    .exactOptional(z.object({ event_id: eventId, at: timestamp }))
    .describe('The earlier event that completes the pattern; absent: none was known'),
  steps: z
    .exactOptional(listOf(z.object({ event: z.string(), event_id: eventId, at: timestamp })))
    .describe('Of a pattern with several steps: the events found, earliest first'),
});

const leftOut = z.object({
  facts: z.enum(['events', 'contents', 'decisions', 'waits']),
  event_type: z.exactOptional(z.string()),
  examined: z.int(),
  bound: z.string().describe('With its unit'),
});

const wait = z.object({
  kind: z.enum(WAIT_KINDS),
  wait_id: idOf('wait'),
  since: timestamp,
  due_at: timestamp,
  ended_by: z.exactOptional(z.object({ event_id: eventId, event_type: z.string(), at: timestamp })),
  moved_from: z.exactOptional(z.object({ wait_id: idOf('wait'), due_at: timestamp })),
});

const limit = z.object({
  limit: z.string().meta({ examples: ['1 per day'] }),
  window: z.string().describe('What is counted in: `ever`, a date, or a span'),
  max: z.int(),
  used: z.int(),
  uses: listOf(z.object({ at: timestamp, event_id: eventId, notification_id: z.string() })),
});

const evidence = z
  .object({
    condition: z.exactOptional(condition),
    pattern: z.exactOptional(pattern),
    key: z.exactOptional(z.string()).describe("Value of the rule's key; an address as its mask and a keyed hash"),
    masked: z.exactOptional(z.literal(true)).describe('The rule saw masks in the place of addresses'),
    left_out: z.exactOptional(listOf(leftOut)).describe('Facts that a bound left out'),
    count: z.exactOptional(
      z.object({ of: listOf(z.string()), needed: z.string(), window: z.string(), counted: z.int() }),
    ),
    wait: z.exactOptional(wait),
    digest: z.exactOptional(z.object({ total: z.int(), kept: z.int() })),
    split: z.exactOptional(z.object({ variant: z.string(), share: z.number() })),
    branch: z.exactOptional(z.int()).describe('The selected branch of `choose`, counted from 1'),
    change: z.exactOptional(z.object({ trait: z.string(), from: json, to: json })),
    limits: z.exactOptional(listOf(limit)),
    expired: z.exactOptional(z.object({ expires_ms: z.number(), late_by_ms: z.number() })),
    plan: z.exactOptional(listOf(verdict)).describe('Verdicts on the channels; absent: it goes by all of them at once'),
    direct: z
      .exactOptional(
        z.object({
          request_id: z.string(),
          content: z.enum(['template', 'request', 'provider_template']).describe('Where its content is from'),
          test: z.exactOptional(z.literal(true)).describe('It is a test of templates'),
          scheduled: z.exactOptional(
            z.object({
              at: timestamp,
              local: z.exactOptional(z.string()),
              zone: z.exactOptional(z.string()),
              zone_from: z.exactOptional(z.enum(ZONE_SOURCES)),
            }),
          ),
        }),
      )
      .describe('A request asked for it, and no rule of the tenant decided it'),
  })
  .meta({
    id: 'Evidence',
    description: 'Values that a decision was based on, stored with it',
  }) as unknown as z.ZodType<Evidence>;

const summary = {
  decision_id: idOf('decision'),
  rule: z.string().meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] }),
  notification_type: z.string().meta({ examples: ['INSUFFICIENT_FUNDS_EMAIL'] }),
  outcome: z.enum(OUTCOMES),
  reason_code: z.enum(REASON_CODES),
  reason: z.string().meta({ description: 'A sentence to read aloud', examples: ['The payment failed twice.'] }),
  notification_id: z
    .string()
    .nullable()
    .meta({ description: 'Null: it sends nothing', examples: [null] }),
};

export const decisionSummary = z
  .object(summary)
  .meta({ id: 'DecisionSummary', description: 'The outcome of one rule for one event and notification type' });

const evidenced = {
  ...summary,
  event_ids: listOf(eventId).describe('The trigger, then the events that completed the pattern'),
  evidence,
};

export const decision = z
  .object(evidenced)
  .meta({ id: 'Decision', description: 'A decision with its evidence' }) satisfies z.ZodType<Decision>;

/** The fields of a decision that is shown beside others of the same user. */
export const storedDecision = z
  .object({
    ...evidenced,
    event_id: eventId.describe('The event whose arrival led to the decision'),
    event_type: z.string().meta({ examples: ['payment_failed'] }),
    event_timestamp: timestamp,
    decided_at: timestamp,
    catalog_version: z.int(),
  })
  .meta({ id: 'StoredDecision', description: 'A decision with its evidence and its event' });

export const explainedDecision = z
  .object({
    ...storedDecision.shape,
    release: z
      .exactOptional(
        z
          .object({
            release_id: z.string(),
            share: z.number().describe('Percentage of the users then'),
            included: z.boolean().describe('Whether the user is one of them'),
            reason: z.string(),
          })
          .meta({ id: 'ReleaseOfDecision', description: 'A release under way, and why this version decided' }),
      )
      .describe('Absent: no release was under way'),
  })
  .meta({ id: 'ExplainedDecision', description: 'A decision with its evidence, its event and the release under way' });

const recentDecision = z
  .object({
    ...summary,
    decided_at: timestamp,
    user_id: userId,
    event_type: z.string().meta({ examples: ['payment_failed'] }),
  })
  .meta({ id: 'RecentDecision', description: 'A decision with the user and the event that it is about' });

export const recentDecisionsQuery = z.strictObject({
  limit: limitQuery.describe('Most events, and most ended waits, whose decisions are listed'),
  since: timeText('write a time such as 2025-10-31T19:00:00Z')
    .optional()
    .describe('Only decisions made after this time; default: 10 minutes ago'),
  user_id: userIdParam.optional(),
  rule: pathText.optional(),
});

export const recentDecisions = z.object({
  decisions: listOf(recentDecision),
  has_more: z.boolean().describe('There are further ones before these'),
  as_of: timestamp.describe('The time of the list'),
});
