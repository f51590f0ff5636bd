import { z } from 'zod';
import { RELEASE_STATES, WATCHED_NUMBERS } from '../../model/release.ts';
import type { StartedRelease } from '../../releases/commands.ts';
import { VERDICT_STATES, type WatchVerdict } from '../../releases/judge.ts';
import type { ComparisonView, ReleaseView } from '../../releases/views.ts';
import { difference, finding } from './catalog.ts';
import { listOf, nextCursor, pageQuery, storable, timestamp } from './common.ts';

/* Releases: a version of the catalog for a share of the users. */

const MAX_VERSION = 2_147_483_647;
const VERSION_HINT = 'write the number of a version, such as 1';
const MIN_SHARE = 0.01;

const share = z
  .number()
  .min(MIN_SHARE)
  .max(100)
  .multipleOf(MIN_SHARE)
  .meta({ description: 'Percentage of the users', examples: [10] });

const increase = z.number().min(0).max(1).nullable();
const ratio = z.number().min(0).max(1000).nullable();

/** Bounds of a watch, with those that hold if nothing is said. */
const watchBody = z
  .strictObject({
    min_sample: z
      .int()
      .min(10)
      .max(1_000_000)
      .default(100)
      .describe('Events, or messages, of each version before its numbers are judged'),
    max_error_increase: increase
      .default(0.05)
      .describe('Bound of the increase of the error rate: dead, bounced and failed ones, of those sent or dead'),
    max_complaint_increase: increase
      .default(0.002)
      .describe('Bound of the increase of the complaint rate, of messages sent'),
    max_unsubscribe_increase: increase
      .default(0.01)
      .describe('Bound of the increase of the unsubscribe rate, of messages sent'),
    min_volume_ratio: ratio.default(0.5).describe('Least notifications for each event, as a multiple of those before'),
    max_volume_ratio: ratio.default(2).describe('Most notifications for each event, likewise'),
  })
  .check(({ value: { min_volume_ratio: least, max_volume_ratio: most }, issues }) => {
    if (least === null || most === null || least <= most) return;
    issues.push({
      code: 'custom',
      input: least,
      path: ['min_volume_ratio'],
      message: `is ${least}, more than the ${most} of max_volume_ratio, so no volume is within both; write at most ${most}, a larger max_volume_ratio, or null for one of them`,
    });
  })
  .meta({ id: 'NewReleaseWatch', description: 'When a release is rolled back by itself; null: that is not judged' });

export const releaseBody = z
  .strictObject({
    version: z
      .int(VERSION_HINT)
      .min(1, VERSION_HINT)
      .max(MAX_VERSION, VERSION_HINT)
      .optional()
      .describe('A version that was applied or released before'),
    files: z
      .record(z.string().min(1).max(512), z.string())
      .optional()
      .describe('Or the files of a catalog, path to text, which become a version'),
    share,
    note: storable(z.string().max(500)).optional().describe('What it is for'),
    watch: watchBody
      .nullable()
      .prefault({})
      .describe('When it is rolled back by itself. Absent: with the usual bounds; null: by command only'),
    finish_after: z
      .string()
      .max(20)
      .optional()
      .meta({
        description: 'Time after which it finishes by itself, 1m to 90d; absent: by command',
        examples: ['2d'],
      }),
    starts_at: z
      .string()
      .max(64)
      .optional()
      .meta({
        description:
          'When it begins by itself, at most 90 days ahead; absent: at once. To all users, it is then finished as well. It fails if another version is active by then',
        examples: ['2027-01-04T06:00:00Z'],
      }),
  })
  .refine(({ version, files }) => (version === undefined) !== (files === undefined), {
    message: 'is missing, or given beside files; write a version, or the files of a catalog',
    path: ['version'],
  })
  .meta({
    id: 'NewRelease',
    description: 'A version to release, and its share',
    examples: [{ version: 2, share: 10, finish_after: '2d' }],
  });

export const shareBody = z
  .strictObject({ share })
  .meta({ id: 'ReleaseShare', description: 'A larger share', examples: [{ share: 50 }] });

export const endBody = z
  .strictObject({ reason: storable(z.string().max(500)).optional() })
  .default({})
  .meta({ id: 'ReleaseEnd', description: 'Why it ends', examples: [{ reason: 'complaints by phone' }] });

const watch = z
  .object({
    min_sample: z.int(),
    max_error_increase: z.number().nullable(),
    max_complaint_increase: z.number().nullable(),
    max_unsubscribe_increase: z.number().nullable(),
    min_volume_ratio: z.number().nullable(),
    max_volume_ratio: z.number().nullable(),
  })
  .meta({ id: 'ReleaseWatch', description: 'When a release is rolled back by itself; null: that is not judged' });

const releaseFields = {
  release_id: z.string(),
  from_version: z.int().describe('The version before, which decides about all other users'),
  to_version: z.int(),
  state: z.enum(RELEASE_STATES).describe('failed: it was to begin by itself, and could not; end_reason says why'),
  share: z.number().describe('Percentage of the users'),
  steps: listOf(z.object({ at: timestamp, share: z.number(), by: z.string() })).describe('In order of time'),
  note: z.string().nullable(),
  watch: watch.nullable(),
  finish_at: timestamp.nullable().describe('When it finishes by itself; null: by command'),
  starts_at: timestamp.nullable().describe('When it begins, or was to begin, by itself; null: it began by command'),
  started_at: timestamp.nullable().describe('Null: it has not begun'),
  started_by: z.string().describe('Who asked for it'),
  ended_at: timestamp.nullable(),
  ended_by: z.string().nullable(),
  end_reason: z.string().nullable(),
};

export const release = z
  .object(releaseFields)
  .meta({ id: 'Release', description: 'A release of a catalog version' }) satisfies z.ZodType<ReleaseView>;

const numbers = z
  .object({
    version: z.int(),
    events: z.int().describe('Events of its users'),
    decided: z.int().describe('Notifications that were decided for its users'),
    waiting: z.int().describe('Waits of its users that began in this time and are open, of the newest 20,000 waits'),
    held: z.int().describe('Decisions not to send to its users'),
    sent: z.int().describe('Messages that it decided, and a provider accepted, or the sandbox'),
    dead: z.int(),
    bounced: z.int(),
    failed: z.int(),
    complained: z.int(),
    unsubscribed: z.int(),
  })
  .meta({ id: 'VersionNumbers', description: 'What happened by a version' });

const span = z
  .object({ since: timestamp, before: numbers, released: numbers })
  .meta({ id: 'ComparedSpan', description: 'Both versions over the same time' });

const verdict = z
  .object({
    number: z.enum(WATCHED_NUMBERS),
    span: z.enum(['since_start', 'last_hour']),
    state: z
      .enum(VERDICT_STATES)
      .describe(
        'too_few: fewer events or messages than the watch wants; waits_open: beyond its bound so far, and more waits of one version are open than of the other',
      ),
    before: z.number().nullable().describe('Rate, or notifications for each event, of the version before'),
    released: z.number().nullable(),
    bound: z
      .union([z.number(), listOf(z.number().nullable())])
      .nullable()
      .describe('Of the increase; of the volume, the least and the greatest multiple; null: not watched'),
    text: z.string(),
  })
  .meta({ id: 'ReleaseVerdict', description: 'What the watch says of a number' }) satisfies z.ZodType<
  Omit<WatchVerdict, 'bound'>
>;

const comparison = z
  .object({
    as_of: timestamp.describe('What happened until then is counted'),
    since_start: span,
    last_hour: span.nullable().describe('Null: it began less than an hour ago'),
    verdicts: listOf(verdict),
  })
  .meta({ id: 'ReleaseComparison', description: 'Both versions compared' });

export const releaseStatus = z
  .object({ ...releaseFields, comparison: comparison.nullable() })
  .meta({ id: 'ReleaseStatus', description: 'A release, and how both versions do' }) as unknown as z.ZodType<
  ReleaseView & { readonly comparison: ComparisonView | null }
>;

export const startedRelease = z
  .object({
    release,
    problems: listOf(finding).describe('The warnings of the catalog'),
    differences: listOf(difference).describe('From the version before'),
  })
  .meta({ id: 'StartedRelease', description: 'A release that was started' }) as unknown as z.ZodType<StartedRelease>;

export const releaseQuery = z.strictObject({
  ...pageQuery.shape,
  state: z.enum(RELEASE_STATES).optional().describe('Only those in this state'),
});

export const releasePage = z
  .object({ releases: listOf(release), next: nextCursor })
  .meta({ id: 'ReleasePage', description: 'Releases, the latest first' });
