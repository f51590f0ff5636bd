import { z } from 'zod';
import type { DraftBacktest } from '../../drafts/backtest-draft.ts';
import type { DraftCheck } from '../../drafts/check-draft.ts';
import type { DraftCaseReport } from '../../drafts/run-draft-cases.ts';
import { difference, finding, waitingInRule } from './catalog.ts';
import { jsonInput, listOf, pathText, storable, timestamp, timeText } from './common.ts';
import { decision } from './decisions.ts';

/* Drafts of a catalog: its files as text, which are checked and tried, and stored nowhere. */

export const draftFiles = z
  .record(z.string().min(1).max(512), z.string())
  .describe('Path inside the folder of the catalog, such as events.yaml, to text');

const FILES_EXAMPLE = { 'events.yaml': 'payment_failed:\n  description: A payment failed\n' };

export const draftBody = z.strictObject({ files: draftFiles }).meta({
  id: 'CatalogDraft',
  description: 'The files of a catalog, which are not applied',
  examples: [{ files: FILES_EXAMPLE }],
});

export const draftCheck = z
  .object({
    ok: z.boolean().describe('Whether it can be applied'),
    errors: z.int(),
    warnings: z.int(),
    problems: listOf(finding).describe('In order of file and place'),
    differences: listOf(difference).describe('From the active version; none if the draft has an error'),
    waiting: listOf(waitingInRule).describe('Pending waits in rules that it changes or removes'),
  })
  .meta({ id: 'DraftCheck', description: 'What the checker says of a draft' }) as unknown as z.ZodType<DraftCheck>;

const failure = z
  .object({
    line: z.int().describe('Of the expectation, or of the case'),
    message: z.string(),
    closest: z.exactOptional(z.string()).describe('The decision that comes closest to what was expected'),
    evidence: listOf(z.string()),
  })
  .meta({ id: 'CaseFailure' });

const caseResult = z
  .object({
    name: z.string(),
    line: z.int(),
    passed: z.boolean(),
    ms: z.number(),
    failures: listOf(failure),
    timeline: listOf(z.string()).describe('What happened, where the case failed'),
  })
  .meta({ id: 'CaseResult', description: 'A case of cases.yaml, and whether it passed' });

export const draftCases = z
  .object({
    ok: z.boolean(),
    passed: z.int(),
    failed: z.int(),
    ms: z.number(),
    cases: listOf(caseResult),
    left_out: z.int().describe('Cases that were not run, because those before took more than 10 s'),
  })
  .meta({ id: 'DraftCases', description: 'Results of cases' }) satisfies z.ZodType<DraftCaseReport>;

const asked = pathText.meta({ description: 'Your id of the user', examples: ['user-1042'] });
const eventIdInput = storable(z.string().min(1).max(1024)).describe('A stored event of the user, by its id');

export const caseBody = z.strictObject({ files: draftFiles, user_id: asked, event_id: eventIdInput }).meta({
  id: 'NewCase',
  examples: [{ files: FILES_EXAMPLE, user_id: 'u_12345', event_id: 'evt_001' }],
});

export const writtenCase = z
  .object({ yaml: z.string().describe('A list `cases` with one case, as in cases.yaml') })
  .meta({ id: 'WrittenCase', description: 'A case that was made of an event; personal values are replaced' });

export const trialBody = z
  .strictObject({
    files: draftFiles,
    user_id: asked,
    event_id: eventIdInput.optional(),
    event: jsonInput.optional().describe('Or an event as it is posted; its user_id may be absent'),
    at: timeText().optional().describe('When `event` arrives by the virtual clock. Absent: when it happened'),
    until: timeText()
      .optional()
      .describe(
        'Until when the virtual clock runs, up to 31 days after the event. Absent: it is decided, and nothing more',
      ),
  })
  .refine(({ event_id: id, event }) => (id === undefined) !== (event === undefined), {
    message: 'write either event_id or event',
  })
  .meta({
    id: 'Trial',
    examples: [{ files: FILES_EXAMPLE, user_id: 'u_12345', event_id: 'evt_001' }],
  });

const trialSteps = listOf(
  z
    .object({ at: timestamp, decisions: listOf(decision) })
    .meta({ id: 'TrialStep', description: 'Decisions at one time' }),
);

export const trial = z
  .object({
    event_id: z.string(),
    event_type: z.string(),
    event_timestamp: timestamp,
    at: timestamp.describe('When it arrives by the virtual clock'),
    until: timestamp,
    draft: trialSteps.describe('What the draft decides about the event: at once, and when its waits end'),
    stored: trialSteps.describe('What was decided about it; empty for an event that is not stored'),
  })
  .meta({ id: 'TriedEvent', description: 'What a draft decides about an event' });

export const backtestBody = z
  .strictObject({
    files: draftFiles,
    since: z
      .string()
      .max(40)
      .meta({
        description: 'Start of the period: how long ago (30d, 12h), or a time with a zone; up to 90 days ago',
        examples: ['7d'],
      }),
    until: timeText().optional().describe('End of the period, at the latest now. Absent: now'),
    user_id: asked.optional().describe('Only this user'),
  })
  .meta({ id: 'NewBacktest', examples: [{ files: FILES_EXAMPLE, since: '7d' }] });

const reported = decision
  .pick({ rule: true, outcome: true, reason_code: true, reason: true, event_ids: true, evidence: true })
  .extend({ at: timestamp })
  .meta({ id: 'ReportedDecision' });

const example = z
  .object({
    change: z.enum(['added', 'removed', 'moved', 'replanned']),
    user_id: z.string(),
    live: z.exactOptional(reported).describe('What was decided; absent: nothing was'),
    new: z.exactOptional(reported).describe('What the draft decides; absent: nothing'),
  })
  .meta({ id: 'BacktestExample', description: 'A notification that differs, with the decision of each side' });

const counts = {
  live: z.int().describe('Notifications that were decided'),
  new: z.int().describe('Those that the draft decides'),
  added: z.int(),
  removed: z.int(),
  moved: z.int().describe('Of another time'),
  replanned: z.int().describe('Of the same time, by other channels or later'),
  unchanged: z.int(),
};

const ofType = z
  .object({
    ...counts,
    type: z.string(),
    days: listOf(z.object({ day: z.string(), live: z.int(), new: z.int() }).meta({ id: 'BacktestDay' })),
    examples: listOf(example).describe('Up to 20 of each change'),
  })
  .meta({ id: 'BacktestOfType' });

const hour = z
  .object({ hour: timestamp, sends: z.int() })
  .nullable()
  .describe('The hour (UTC) with the most notifications');

export const draftBacktest = z
  .object({
    mode: z.enum(['candidate', 'live']),
    since: timestamp,
    until: timestamp,
    users: z.int().describe('Users that were replayed'),
    total_users: z.int().describe('Users with a profile; up to 1,000,000 are counted'),
    events: z.int(),
    left_out: listOf(z.string()).describe(
      'Users with more history, or more that happens, than is replayed here, up to 100',
    ),
    reached: z
      .enum(['time', 'events'])
      .nullable()
      .describe(
        'The bound that ended it before the last user, in order of their ids: 20 s or 200,000 events; null: none did',
      ),
    totals: z.object(counts).meta({ id: 'BacktestCounts' }),
    load: z
      .object({
        busiest_hour: z.object({ live: hour, new: hour }).meta({ id: 'BusiestHours' }),
        crowded_users: z
          .object({ live: z.int(), new: z.int() })
          .meta({ id: 'CrowdedUsers', description: 'Users with more than 3 notifications on one day (UTC)' }),
        repeated: z.object({ live: z.int(), new: z.int() }).meta({
          id: 'RepeatedNotifications',
          description: 'Times that a user gets one type twice or more on one day (UTC)',
        }),
      })
      .meta({ id: 'BacktestLoad' }),
    types: listOf(ofType).describe('In order of name'),
  })
  .meta({
    id: 'DraftBacktest',
    description: 'What a draft would have sent over the stored events, compared with what was sent',
  }) as unknown as z.ZodType<DraftBacktest>;

export const catalogFiles = z
  .object({
    version: z.int(),
    active: z.boolean(),
    source: z
      .enum(['api', 'directory', 'followed'])
      .describe('Who gave the files: the API, the catalog directory, or the tenant whose catalog this one follows'),
    files: z
      .record(z.string(), z.string())
      .nullable()
      .describe(
        'Path to text; null: they are not kept, because they are larger than 5 MiB or were applied by an earlier release',
      ),
  })
  .meta({ id: 'StoredCatalogFiles', description: 'The files that a version was made from' });
