import { z } from 'zod';
import { VERDICTS } from '../../authoring/results.ts';
import { VARIANT_NAME } from '../../catalog/parse/template-files.ts';
import { DEFAULT_VARIANT } from '../../model/catalog.ts';
import { TEST_METRICS } from '../../store/templates/tests.ts';
import { listOf, pathText, timestamp } from './common.ts';

/* Tests of variants of templates. */

const MAX_VARIANTS = 10;
const MAX_PLANNED_USERS = 1_000_000;

const variantName = z
  .string()
  .refine((text) => text === DEFAULT_VARIANT || VARIANT_NAME.test(text), 'name a variant, or "default"');

const goal = z.strictObject({
  event: pathText.meta({ description: 'A type of event', examples: ['payment_initiated'] }),
  within: z
    .string()
    .max(20)
    .meta({ description: 'Time after the message: 1m to 90d', examples: ['7d'] }),
});

export const newTest = z
  .strictObject({
    shares: z
      .record(variantName, z.int().min(1).max(99))
      .refine((shares) => Object.values(shares).reduce((sum, share) => sum + share, 0) === 100, 'must add up to 100')
      .refine((shares) => Object.keys(shares).length >= 2, 'has fewer than 2 variants')
      .refine((shares) => Object.keys(shares).length <= MAX_VARIANTS, `has more than ${MAX_VARIANTS} variants`)
      .meta({ description: 'Percentage of users by variant; "default" is the template without one' }),
    metric: z.enum(TEST_METRICS).describe('By which a winner is found'),
    goal: goal.optional().describe('For the metric goal, or to be shown'),
    planned_users: z
      .int()
      .min(2)
      .max(MAX_PLANNED_USERS)
      .describe('Users of all variants together before which there is no winner'),
  })
  .refine(({ metric, goal: given }) => metric !== 'goal' || given !== undefined, {
    message: 'is missing; write the event that counts',
    path: ['goal'],
  })
  .meta({
    id: 'NewVariantTest',
    description: 'A test of variants of a template',
    examples: [{ shares: { default: 50, short: 50 }, metric: 'clicked', planned_users: 2000 }],
  });

const testFields = {
  test_id: z.string(),
  type: z.string(),
  channel: z.string(),
  shares: z.record(z.string(), z.int()),
  metric: z.enum(TEST_METRICS),
  goal: z.object({ event: z.string(), within: z.string() }).nullable(),
  planned_users: z.int(),
  started_at: timestamp,
  ended_at: timestamp.nullable().describe('Null: it is under way'),
};

export const variantTest = z.object(testFields).meta({ id: 'VariantTest', description: 'A test of variants' });

export const testEnd = z
  .object({ ended: z.boolean().describe('False: no test was under way') })
  .meta({ id: 'VariantTestEnd' });

const interval = z.object({
  difference: z.number().describe('Share of users minus that of the first variant'),
  low: z.number(),
  high: z.number(),
});

export const testResults = z
  .object({
    ...testFields,
    verdict: z
      .enum(VERDICTS)
      .describe('not_trusted: users are not divided as the shares say; too_early: fewer users than planned'),
    winner: z.string().nullable(),
    users: z.int(),
    sample_ratio_probability: z
      .number()
      .describe('Of such a division, if the shares are right; below 0.001 nothing is trusted'),
    is_cut: z.boolean().describe('More than a million messages: the first are counted'),
    variants: listOf(
      z.object({
        variant: z.string(),
        share: z.int(),
        users: z.int().describe('Each counts once, by the first message'),
        delivered: z.int(),
        opened: z.int(),
        clicked: z.int(),
        goal: z.int(),
        difference: interval.nullable().describe('Of the metric, with its interval at 95%; null: the first variant'),
      }),
    ),
  })
  .meta({ id: 'VariantTestResults', description: 'What became of the users who were shown each variant' });
