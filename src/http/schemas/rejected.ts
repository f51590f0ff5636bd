import { z } from 'zod';
import type { RejectedEvent } from '../../store/rejected.ts';
import { idOf, json, listOf, nextCursor, pageQuery, pathText, storable, timestamp } from './common.ts';
import { computed, eventBody, mergePatch } from './events.ts';

/* Rejected events: the quarantine. */

const rejectedEvent = z
  .object({
    rejected_id: idOf('rejected event'),
    event_id: z.string().nullable(),
    code: z.string().meta({ examples: ['schema_mismatch'] }),
    path: z
      .string()
      .meta({ description: 'Field of the event; empty: the event as a whole', examples: ['properties.amount'] }),
    message: z.string(),
    event: json.describe('As received, with addresses masked'),
    source: z.string().nullable().describe('The source of sources.yaml that brought it; null: it was posted'),
    position: json.nullable().describe('Topic, partition and offset of its message; null: it was posted'),
    times: z.int().describe('How often the same event was rejected'),
    first_at: timestamp,
    last_at: timestamp,
  })
  .meta({ id: 'RejectedEvent', description: 'An event that was not accepted, and why' });

const source = pathText.max(128).optional().describe('Only those that this source of sources.yaml brought');
export const rejectedQuery = pageQuery.extend({ source });
export const rejectedGroupsQuery = z.object({ source });

export const rejectedPage = z
  .object({ rejected: listOf(rejectedEvent as unknown as z.ZodType<RejectedEvent>), next: nextCursor })
  .meta({ id: 'RejectedPage', description: 'Rejected events, the one rejected last first' });

const rejectedGroup = z
  .object({
    event_type: z.string().nullable(),
    code: z.string().meta({ examples: ['schema_mismatch'] }),
    path: z.string(),
    message: z.string().describe('Of one of them'),
    sources: listOf(z.string()).describe(
      'The first 20 sources of sources.yaml that brought them; empty: they were posted',
    ),
    last_at: timestamp,
    count: z.int(),
  })
  .meta({ id: 'RejectedGroup', description: 'Rejected events with the same event type, code and path' });

export type RejectedGroup = z.infer<typeof rejectedGroup>;

export const rejectedGroups = z
  .object({
    count: z.int().describe('Rejected events'),
    at_least: z.boolean().describe('There may be more: only the newest were counted'),
    groups: listOf(rejectedGroup),
  })
  .meta({ id: 'RejectedGroups', description: 'Rejected events by event type, code and path' });

export const dismissed = z.object({ rejected_id: idOf('rejected event') }).meta({ id: 'DismissedEvent' });

export const dismissalBody = z
  .strictObject({ reason: storable(z.string().min(1).max(500)).optional().describe('Why, for the audit log') })
  .nullish()
  .meta({
    id: 'Dismissal',
    description: 'Why a rejected event is dismissed',
    examples: [{ reason: 'a test of ours' }],
  });

export const correctedBody = eventBody.nullish().meta({ description: 'The corrected event; absent: as it was' });

export const correctionBody = z
  .strictObject({ patch: mergePatch.optional(), compute: computed.optional() })
  .refine(
    ({ patch, compute }) => patch !== undefined || compute !== undefined,
    'needs a patch, or something to compute',
  )
  .meta({
    id: 'Correction',
    description: 'Correction of a rejected event',
    examples: [{ patch: { properties: { currency: 'USD' } } }],
  });
